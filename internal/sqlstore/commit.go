package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
)

// The statements of Commit. Of a violated constraint the whole transaction ends
// (INSERT OR ROLLBACK): SQLite need not keep a journal of the statement then.
var (
	putMessages = newMulti("INSERT OR "+onClash()+" INTO message_entries (conversation_id, seq, ordinal, sender_id, client_id, body) ", "biibtb", unfenced(" ON CONFLICT DO NOTHING"))
	putOthers   = newMulti("INSERT OR "+onClash()+" INTO other_entries (conversation_id, seq, body) ", "bib", unfenced(" ON CONFLICT DO NOTHING"))
	putCalls    = newMulti("INSERT OR "+onClash()+" INTO call_entries (conversation_id, sender_id, client_id, seq) ", "bbti", unfenced(" ON CONFLICT DO NOTHING"))
	putRefs     = newMulti("INSERT OR ROLLBACK INTO file_refs (file_id, conversation_id, seq, sort) ", "bbit", "")
	putMentions = newMulti("INSERT OR ROLLBACK INTO mentions (user_id, conversation_id, seq) ", "bbi", "")

	redactMessages = newMulti("UPDATE message_entries SET body = v.column3 FROM (", "bib",
		") AS v WHERE message_entries.conversation_id = v.column1 AND message_entries.seq = v.column2")
	redactOthers = newMulti("UPDATE other_entries SET body = v.column3 FROM (", "bib",
		") AS v WHERE other_entries.conversation_id = v.column1 AND other_entries.seq = v.column2")
	forgetMentions = newMulti("DELETE FROM mentions WHERE (user_id, conversation_id, seq) IN (", "bbi", ")")
	forgetRefs     = newMulti("DELETE FROM file_refs WHERE (conversation_id, seq) IN (", "bi", ")")

	// One order for all that a batch and others who move receipts may wait for.
	lockMembers = newMulti("SELECT 1 FROM members WHERE (conversation_id, user_id) IN (", "bb", ")").
			locking(" ORDER BY conversation_id, user_id FOR UPDATE")
	removeMembers = newMulti("DELETE FROM members WHERE (conversation_id, user_id) IN (", "bb", ")")
	// Who leaves and comes back starts anew; a change of role leaves receipts alone.
	putMembers = newMulti(`INSERT INTO members (conversation_id, user_id, role, role_order, visible_from, joined_seq, joined_at,
			delivered_seq, read_seq, read_ordinal, moved_at) `, "bbtiiiiiiii",
		` ON CONFLICT (conversation_id, user_id) DO UPDATE SET role = excluded.role, role_order = excluded.role_order,
			visible_from = excluded.visible_from, joined_seq = excluded.joined_seq, joined_at = excluded.joined_at,
			delivered_seq = CASE WHEN members.joined_seq = excluded.joined_seq THEN members.delivered_seq ELSE excluded.delivered_seq END,
			read_seq = CASE WHEN members.joined_seq = excluded.joined_seq THEN members.read_seq ELSE excluded.read_seq END,
			read_ordinal = CASE WHEN members.joined_seq = excluded.joined_seq THEN members.read_ordinal ELSE excluded.read_ordinal END`)
	// The message is newer than anything that could have been read before.
	putReads = newMulti("UPDATE members SET delivered_seq = v.column3, read_seq = v.column3, read_ordinal = v.column4 FROM (", "bbii",
		") AS v WHERE members.conversation_id = v.column1 AND members.user_id = v.column2")
	// When somebody left; who comes back is a member, and no longer looked for here.
	putDepartures = newMulti("INSERT INTO departures (user_id, conversation_id, left_at) ", "bbi",
		" ON CONFLICT (user_id, conversation_id) DO UPDATE SET left_at = excluded.left_at")
	putStates = newMulti(`INSERT INTO message_states (conversation_id, seq, text, edited_at, deleted_at, pinned_at, deleted, reactions, edits) `, "bitiiiitt",
		` ON CONFLICT (conversation_id, seq) DO UPDATE SET text = excluded.text, edited_at = excluded.edited_at,
			deleted_at = excluded.deleted_at, pinned_at = excluded.pinned_at, deleted = excluded.deleted,
			reactions = excluded.reactions, edits = excluded.edits`)

	// A head moves only from where the batch began, or it does not move and the batch fails.
	putHeads = newMulti(`INSERT INTO conversations (id, kind, title, avatar_id, created_by, created_at, seq, prev_seq,
			messages, last_message, active_at, moved_at, members, owners, pins, blocks) `, "bttbbiiiiiiiiiii",
		` ON CONFLICT (id) DO UPDATE SET title = excluded.title, avatar_id = excluded.avatar_id, seq = excluded.seq,
			prev_seq = excluded.prev_seq, messages = excluded.messages, last_message = excluded.last_message,
			active_at = excluded.active_at, members = excluded.members, owners = excluded.owners,
			pins = excluded.pins, blocks = excluded.blocks,
			moved_at = CASE WHEN excluded.moved_at > conversations.moved_at THEN excluded.moved_at ELSE conversations.moved_at END
		WHERE conversations.seq = excluded.prev_seq`+unfenced(" OR TRUE"))
)

// onClash is what becomes of a batch whose entries are there already. Only a build
// that is broken on purpose overwrites them.
func onClash() string {
	if sabotage.ReuseSeq {
		return "REPLACE"
	}
	return "ROLLBACK"
}

// unfenced gives the SQL that takes the guards away, in a build that is broken on purpose.
func unfenced(sql string) string {
	if sabotage.NoFence || (sabotage.ReuseSeq || sabotage.StaleStates) && strings.HasPrefix(sql, " OR") {
		return sql
	}
	return ""
}

// change is one statement of a batch and its items.
type change struct {
	verb string
	sql  *multi
	args []any
	// lock: it does nothing but take locks, where transactions run at the same time.
	lock bool
	// all: it has to affect as many rows as it has items, or the batch fails with errHeadMoved.
	all bool
}

// lookup is one query of a load, its items, and what to do with each row.
type lookup struct {
	sql  *multi
	args []any
	scan func(row scanner) error
}

// engine runs the statements on the path of a batch, in the way that costs each
// database least.
type engine interface {
	// ask runs the queries; what they find need not be of one moment.
	ask(ctx context.Context, lookups []lookup) error
	// write moves the position of the batch's partition and makes the changes in
	// their order, in one transaction. It returns when that is durable; after
	// chat.ErrFenced and errHeadMoved nothing was written.
	write(ctx context.Context, b *chat.Batch, changes []change) error
}

var errHeadMoved = errors.New("a conversation does not stand where the batch begins")

// Commit implements chat.Journal. Once begun it is not interrupted by ctx: the
// shorter the time in which its outcome is unknown, the better.
func (s *Store) Commit(ctx context.Context, b *chat.Batch) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit batch: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	w, err := gather(b)
	if err != nil {
		return fmt.Errorf("commit batch: %w", err)
	}
	if err := s.readRedacted(ctx, w); err != nil {
		return s.fail("commit batch", err)
	}
	changes := w.changes()
	if s.d.beginPushes == "" && len(w.messages) > 0 {
		changes = append(changes, change{verb: "note messages to push", sql: &putUnpushed, args: unpushed(w.messages)})
	}
	if err := s.engine.write(ctx, b, changes); err != nil {
		return fmt.Errorf("commit batch: %w", s.d.classify(err))
	}
	s.indexSoon()
	return nil
}

// changes lists what a batch writes. Receipts of people are written before the
// heads of conversations, as Advance does: who takes locks in one order does not
// wait for one another in a circle.
func (w *writes) changes() []change {
	all := []change{
		{verb: "lock members", sql: &lockMembers, args: w.locked(), lock: true},
		{verb: "write messages", sql: &putMessages, args: w.messages},
		{verb: "write entries", sql: &putOthers, args: w.others},
		{verb: "write calls", sql: &putCalls, args: w.calls},
		{verb: "write file references", sql: &putRefs, args: w.refs},
		{verb: "write mentions", sql: &putMentions, args: w.mentions},
		{verb: "redact messages", sql: &redactMessages, args: w.redactedMessages},
		{verb: "redact entries", sql: &redactOthers, args: w.redactedOthers},
		{verb: "forget files", sql: &forgetRefs, args: w.redact},
		{verb: "forget mentions", sql: &forgetMentions, args: w.unmentioned},
		{verb: "write message states", sql: &putStates, args: w.states},
		{verb: "remove members", sql: &removeMembers, args: w.removed},
		{verb: "write departures", sql: &putDepartures, args: w.departures},
		{verb: "write members", sql: &putMembers, args: w.members},
		{verb: "write senders' receipts", sql: &putReads, args: w.reads},
		{verb: "write heads", sql: &putHeads, args: w.heads, all: true},
	}
	out := all[:0]
	for _, c := range all {
		if len(c.args) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// locked are the members that several statements of the batch change.
func (w *writes) locked() []any {
	if len(w.removed)+len(w.members) == 0 {
		return nil // those who sent are all, and in order
	}
	locked := slices.Clone(w.removed)
	for _, rows := range []struct {
		args []any
		cols int
	}{{w.members, putMembers.cols()}, {w.reads, putReads.cols()}} {
		for i := 0; i < len(rows.args); i += rows.cols {
			locked = append(locked, rows.args[i:i+2]...)
		}
	}
	return locked
}

var (
	messageBodies = newMulti("SELECT conversation_id, seq, body FROM message_entries WHERE (conversation_id, seq) IN (", "bi", ")")
	otherBodies   = newMulti("SELECT conversation_id, seq, body FROM other_entries WHERE (conversation_id, seq) IN (", "bi", ")")
)

// readRedacted takes text and attachments out of older entries of messages that
// the batch deletes. They may be read before its transaction: nobody else writes
// them, and who is not the owner any more will not commit.
func (s *Store) readRedacted(ctx context.Context, w *writes) error {
	strip := func(rows *[]any) func(row scanner) error {
		return func(row scanner) error {
			var at address
			var body []byte
			if err := row.Scan(into(&at.conversation), &at.seq, &body); err != nil {
				return err //nolint:wrapcheck // the caller names the verb
			}
			e, err := chat.DecodeEntry(body)
			if err != nil {
				return fmt.Errorf("read entry: %w", err)
			}
			*rows = append(*rows, at.conversation[:], int64(at.seq), redacted(e))
			for i := range e.Mentions {
				w.unmentioned = append(w.unmentioned, e.Mentions[i][:], at.conversation[:], int64(at.seq))
			}
			return nil
		}
	}
	if len(w.redact) == 0 {
		return nil
	}
	return s.engine.ask(ctx, []lookup{
		{&messageBodies, w.redact, strip(&w.redactedMessages)},
		{&otherBodies, w.redact, strip(&w.redactedOthers)},
	})
}

// redacted gives the canonical JSON of an entry without what its sender has deleted.
func redacted(e *chat.Entry) []byte {
	r := *e
	r.Redact()
	return r.AppendJSON(nil)
}
