package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

// commitSQL are the statements of Commit.
type commitSQL struct {
	messages, others, heads, members, reads, refs, mentions, departures, states multi
}

func newCommitSQL(d *dialect) commitSQL {
	return commitSQL{
		messages: newMulti(d.insertStrict+"message_entries (conversation_id, seq, ordinal, sender_id, client_id, body) VALUES ",
			"(?, ?, ?, ?, ?, ?)", ""),
		others: newMulti(d.insertStrict+"other_entries (conversation_id, seq, body) VALUES ", "(?, ?, ?)", ""),
		// A head moves only from where the batch began, or it does not move and the batch fails.
		heads: newMulti(`INSERT INTO conversations (id, kind, title, avatar_id, created_by, created_at, seq, prev_seq,
				messages, last_message, active_at, moved_at, members, owners, pins, blocks) VALUES `,
			"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			` ON CONFLICT (id) DO UPDATE SET title = excluded.title, avatar_id = excluded.avatar_id, seq = excluded.seq,
				prev_seq = excluded.prev_seq, messages = excluded.messages, last_message = excluded.last_message,
				active_at = excluded.active_at, members = excluded.members, owners = excluded.owners,
				pins = excluded.pins, blocks = excluded.blocks,
				moved_at = CASE WHEN excluded.moved_at > conversations.moved_at THEN excluded.moved_at ELSE conversations.moved_at END
			WHERE conversations.seq = excluded.prev_seq`),
		// Who leaves and comes back starts anew; a change of role leaves receipts alone.
		members: newMulti(`INSERT INTO members (conversation_id, user_id, role, role_order, visible_from, joined_seq, joined_at,
				delivered_seq, read_seq, read_ordinal, moved_at) VALUES `,
			"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			` ON CONFLICT (conversation_id, user_id) DO UPDATE SET role = excluded.role, role_order = excluded.role_order,
				visible_from = excluded.visible_from, joined_seq = excluded.joined_seq, joined_at = excluded.joined_at,
				delivered_seq = CASE WHEN members.joined_seq = excluded.joined_seq THEN members.delivered_seq ELSE excluded.delivered_seq END,
				read_seq = CASE WHEN members.joined_seq = excluded.joined_seq THEN members.read_seq ELSE excluded.read_seq END,
				read_ordinal = CASE WHEN members.joined_seq = excluded.joined_seq THEN members.read_ordinal ELSE excluded.read_ordinal END`),
		// The message is newer than anything that could have been read before.
		reads: newMulti(`UPDATE members SET delivered_seq = v.column3, read_seq = v.column3, read_ordinal = v.column4
			FROM (VALUES `, "(?, ?, ?, ?)",
			`) AS v WHERE members.conversation_id = v.column1 AND members.user_id = v.column2`),
		refs:     newMulti(d.insertStrict+"file_refs (file_id, conversation_id, seq) VALUES ", "(?, ?, ?)", ""),
		mentions: newMulti(d.insertStrict+"mentions (user_id, conversation_id, seq) VALUES ", "(?, ?, ?)", ""),
		// When somebody left; who comes back is a member, and no longer looked for here.
		departures: newMulti(`INSERT INTO departures (user_id, conversation_id, left_at) VALUES `, "(?, ?, ?)",
			` ON CONFLICT (user_id, conversation_id) DO UPDATE SET left_at = excluded.left_at`),
		states: newMulti(`INSERT INTO message_states (conversation_id, seq, text, edited_at, deleted_at, pinned_at, deleted, reactions, edits) VALUES `,
			"(?, ?, ?, ?, ?, ?, ?, ?, ?)",
			` ON CONFLICT (conversation_id, seq) DO UPDATE SET text = excluded.text, edited_at = excluded.edited_at,
				deleted_at = excluded.deleted_at, pinned_at = excluded.pinned_at, deleted = excluded.deleted, reactions = excluded.reactions, edits = excluded.edits`),
	}
}

const (
	movePosition = `UPDATE positions SET next_offset = ?, prev_offset = ? WHERE log = ? AND part = ? AND next_offset = ?`
	makePosition = `INSERT INTO positions (log, part, next_offset, prev_offset) VALUES (?, ?, ?, ?) ON CONFLICT (log, part) DO NOTHING`
)

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
	return s.update(ctx, "commit batch", func(t *tx) error {
		return firstError(
			func() error { return moveTo(ctx, t, b) },
			func() error { return w.writeLog(ctx, t, &s.commit) },
			func() error { return w.writeFacts(ctx, t, &s.commit) },
			func() error { return w.redactAll(ctx, t) },
		)
	})
}

func moveTo(ctx context.Context, t *tx, b *chat.Batch) error {
	p := b.Partition
	res, err := t.ExecContext(ctx, movePosition, b.Next, b.From, p.Log, p.Partition, b.From)
	if err != nil {
		return fmt.Errorf("move position: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 && b.From == 0 {
		if res, err = t.ExecContext(ctx, makePosition, p.Log, p.Partition, b.Next, b.From); err == nil {
			n, err = res.RowsAffected()
		}
	}
	if err != nil {
		return fmt.Errorf("move position: %w", err)
	}
	if n == 0 {
		return chat.ErrFenced
	}
	return nil
}

func (w *writes) writeLog(ctx context.Context, t *tx, c *commitSQL) error {
	if _, err := c.messages.exec(ctx, t, w.messages); err != nil {
		return fmt.Errorf("write messages: %w", err)
	}
	if _, err := c.others.exec(ctx, t, w.others); err != nil {
		return fmt.Errorf("write entries: %w", err)
	}
	if _, err := c.refs.exec(ctx, t, w.refs); err != nil {
		return fmt.Errorf("write file references: %w", err)
	}
	if _, err := c.mentions.exec(ctx, t, w.mentions); err != nil {
		return fmt.Errorf("write mentions: %w", err)
	}
	return nil
}

func (w *writes) writeFacts(ctx context.Context, t *tx, c *commitSQL) error {
	n, err := c.heads.exec(ctx, t, w.heads)
	if err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	if want := int64(len(w.heads) / c.heads.cols); n != want {
		return fmt.Errorf("write heads: %d of %d: %w", n, want, errHeadMoved)
	}
	for _, gone := range w.removed {
		if _, err := t.ExecContext(ctx, "DELETE FROM members WHERE conversation_id = ? AND user_id = ?", gone.conversation[:], gone.user[:]); err != nil {
			return fmt.Errorf("remove member: %w", err)
		}
	}
	if _, err := c.members.exec(ctx, t, w.members); err != nil {
		return fmt.Errorf("write members: %w", err)
	}
	if _, err := c.reads.exec(ctx, t, w.reads); err != nil {
		return fmt.Errorf("write senders' receipts: %w", err)
	}
	if _, err := c.departures.exec(ctx, t, w.departures); err != nil {
		return fmt.Errorf("write departures: %w", err)
	}
	if _, err := c.states.exec(ctx, t, w.states); err != nil {
		return fmt.Errorf("write message states: %w", err)
	}
	return nil
}

// redactAll takes text and attachments out of the entries of deleted messages.
func (w *writes) redactAll(ctx context.Context, t *tx) error {
	for _, r := range w.redact {
		for _, table := range []string{"message_entries", "other_entries"} {
			var body []byte
			found := false
			err := queryEach(ctx, t, "SELECT body FROM "+table+" WHERE conversation_id = ? AND seq = ?",
				[]any{r.conversation[:], int64(r.seq)}, func(row scanner) error { found = true; return row.Scan(&body) })
			if err != nil {
				return fmt.Errorf("read entry: %w", err)
			}
			if !found {
				continue
			}
			e, err := chat.DecodeEntry(body)
			if err != nil {
				return fmt.Errorf("redact: %w", err)
			}
			for i := range e.Mentions {
				if _, err := t.ExecContext(ctx, "DELETE FROM mentions WHERE user_id = ? AND conversation_id = ? AND seq = ?",
					e.Mentions[i][:], r.conversation[:], int64(r.seq)); err != nil {
					return fmt.Errorf("forget mentions: %w", err)
				}
			}
			e.Redact()
			if _, err := t.ExecContext(ctx, "UPDATE "+table+" SET body = ? WHERE conversation_id = ? AND seq = ?",
				e.AppendJSON(nil), r.conversation[:], int64(r.seq)); err != nil {
				return fmt.Errorf("redact: %w", err)
			}
		}
		if _, err := t.ExecContext(ctx, "DELETE FROM file_refs WHERE conversation_id = ? AND seq = ?", r.conversation[:], int64(r.seq)); err != nil {
			return fmt.Errorf("forget files: %w", err)
		}
	}
	return nil
}

var _ query.DBTX = (*tx)(nil)
