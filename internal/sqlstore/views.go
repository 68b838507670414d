package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

var errHole = errors.New("the log of a conversation has a hole")

// Moved implements chat.Views.
func (s *Store) Moved(ctx context.Context, user chat.UserID, since chat.Time) ([]chat.Head, error) {
	rows, err := s.reads().Moved(ctx, user[:], int64(since))
	if err != nil {
		return nil, s.fail("list what moved", err)
	}
	out := make([]chat.Head, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = chat.Head{
			LastSeq: chat.Seq(r.Seq), DeliveredSeq: chat.Seq(r.DeliveredSeq), ReadSeq: chat.Seq(r.ReadSeq), Unread: max(0, r.Unread), Mentions: r.Mentions,
		}
		if err := readID(r.ConversationID, &out[i].ConversationID); err != nil {
			return nil, s.fail("list what moved", err)
		}
	}
	return out, nil
}

// Memberships implements chat.Views.
func (s *Store) Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error) {
	rows, err := s.reads().Memberships(ctx, user[:])
	if err != nil {
		return nil, s.fail("list memberships", err)
	}
	out := make([]chat.Membership, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = chat.Membership{
			Kind: chat.ConversationKind(r.Kind), VisibleFrom: chat.Seq(r.VisibleFrom), Head: chat.Seq(r.Seq), Members: int(r.Members),
		}
		if err := readID(r.ConversationID, &out[i].ConversationID); err != nil {
			return nil, s.fail("list memberships", err)
		}
	}
	return out, nil
}

// Member implements chat.Views.
func (s *Store) Member(ctx context.Context, id chat.ConversationID, user chat.UserID) (*chat.Member, chat.ConversationKind, error) {
	r, err := s.reads().Member(ctx, id[:], user[:])
	if err != nil {
		return nil, "", s.fail("find member", err)
	}
	return &chat.Member{
		UserID: user, Role: chat.Role(r.Role), VisibleFrom: chat.Seq(r.VisibleFrom),
		JoinedSeq: chat.Seq(r.JoinedSeq), JoinedAt: chat.Time(r.JoinedAt),
	}, chat.ConversationKind(r.Kind), nil
}

const listMembers = `SELECT user_id, role, role_order, visible_from, joined_seq, joined_at FROM members
WHERE conversation_id = ? AND (role_order, joined_seq, user_id) > (?, ?, ?)
ORDER BY role_order, joined_seq, user_id LIMIT ?`

// Members implements chat.Views.
func (s *Store) Members(ctx context.Context, id chat.ConversationID, from string, limit int) (page chat.Page[chat.MemberView], err error) {
	ns, last, ok, err := parseCursor(from, 2)
	if err != nil {
		return page, err
	}
	if !ok {
		ns = []int64{-1, 0}
	}
	var order int64
	args := []any{id[:], ns[0], ns[1], []byte(last), limit + 1}
	err = queryEach(ctx, s.read, listMembers, args, func(row scanner) error {
		if len(page.Items) == limit {
			m := &page.Items[limit-1]
			page.Next = cursor([]int64{order, int64(m.JoinedSeq)}, string(m.UserID[:]))
			return nil
		}
		var m chat.MemberView
		err := row.Scan(into(&m.UserID), &m.Role, &order, &m.VisibleFrom, &m.JoinedSeq, &m.JoinedAt)
		page.Items = append(page.Items, m)
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err == nil {
		err = s.putProfiles(ctx, page.Items)
	}
	return page, s.failed("list members", err)
}

// It reads all members of the conversation and the name of each: about 15 ms for 10,000.
const findMembers = `SELECT m.user_id, m.role, m.visible_from, m.joined_seq, m.joined_at
FROM members m JOIN accounts a ON a.id = m.user_id
WHERE m.conversation_id = ?1 AND a.disabled = 0 AND (a.username_key LIKE ?2 ESCAPE '!' OR a.name_key LIKE ?3 ESCAPE '!')
ORDER BY CASE WHEN a.username_key LIKE ?2 ESCAPE '!' OR a.name_key LIKE ?2 ESCAPE '!' THEN 0 ELSE 1 END, a.folded LIMIT ?4`

// FindMembers implements chat.Views.
func (s *Store) FindMembers(ctx context.Context, id chat.ConversationID, text string, limit int) (found []chat.MemberView, err error) {
	if strings.ContainsRune(text, 0) {
		return nil, nil // no name has it, and no database takes it
	}
	begin := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(strings.ToValidUTF8(text, ""))) + "%"
	err = queryEach(ctx, s.read, findMembers, []any{id[:], begin, "%" + begin, int64(limit)}, func(row scanner) error {
		var m chat.MemberView
		err := row.Scan(into(&m.UserID), &m.Role, &m.VisibleFrom, &m.JoinedSeq, &m.JoinedAt)
		found = append(found, m)
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err == nil {
		err = s.putProfiles(ctx, found)
	}
	return found, s.failed("find members", err)
}

// putProfiles gives members their profiles.
func (s *Store) putProfiles(ctx context.Context, members []chat.MemberView) error {
	ids := make([]chat.UserID, len(members))
	for i := range members {
		ids[i] = members[i].UserID
	}
	users, err := profiles(ctx, s.read, ids)
	for i := range members {
		members[i].User = users[members[i].UserID]
	}
	return err
}

// profiles gives profiles; people without an account are their id only.
func profiles(ctx context.Context, db database, ids []chat.UserID) (map[chat.UserID]chat.User, error) {
	found, err := users(ctx, db, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[chat.UserID]chat.User, len(ids))
	for _, id := range ids {
		out[id] = chat.User{ID: id}
	}
	for i := range found {
		out[found[i].ID] = found[i]
	}
	return out, nil
}

const foldedMessage = `SELECT ` + foldedColumns + `
WHERE `

const foldedColumns = `e.conversation_id, e.body, COALESCE(s.text, ''), COALESCE(s.edited_at, 0),
	COALESCE(s.deleted_at, 0), COALESCE(s.pinned_at, 0), COALESCE(s.reactions, '')
FROM message_entries e
LEFT JOIN message_states s ON s.conversation_id = e.conversation_id AND s.seq = e.seq`

const (
	messagesBefore = foldedMessage + `e.conversation_id = ? AND e.seq >= ? AND e.seq < ? ORDER BY e.seq DESC LIMIT ?`
	messagesFrom   = foldedMessage + `e.conversation_id = ? AND e.seq >= ? ORDER BY e.seq LIMIT ?`
)

var messagesAt = newMulti(foldedMessage+"(e.conversation_id, e.seq) IN (", "bi", ")")

// Messages implements chat.Views.
func (s *Store) Messages(ctx context.Context, id chat.ConversationID, q chat.MessageQuery) (out []chat.Message, err error) {
	collect := func(row scanner) error {
		m, err := scanMessage(row)
		if err == nil {
			out = append(out, *m)
		}
		return err
	}
	before := func(seq chat.Seq, limit int) error {
		return queryEach(ctx, s.read, messagesBefore, []any{id[:], int64(q.VisibleFrom), int64(seq), limit}, collect)
	}
	// One lower bound only: of two, SQLite would begin at the one that it likes.
	after := func(seq chat.Seq, limit int) error {
		return queryEach(ctx, s.read, messagesFrom, []any{id[:], int64(max(q.VisibleFrom, seq+1)), limit}, collect)
	}
	switch {
	case q.After > 0:
		err = after(q.After, q.Limit)
	case q.Around > 0:
		// The message itself counts with the older half. The newer half is read first: what
		// is stored between the two reads belongs to the older one or to a later page; the
		// other way round it would be missing from the middle.
		if err = after(q.Around, q.Limit-(q.Limit+1)/2); err == nil {
			newer := out
			out = nil
			err = before(q.Around+1, (q.Limit+1)/2)
			slices.Reverse(out)
			out = append(out, newer...)
		}
	default:
		seq := q.Before
		if seq == 0 {
			seq = chat.MaxSeq
		}
		err = before(seq, q.Limit)
		slices.Reverse(out)
	}
	if err != nil {
		return nil, s.fail("list messages", err)
	}
	return out, nil
}

// scanMessage folds what later entries changed into a message.
func scanMessage(row scanner) (*chat.Message, error) {
	var id chat.ConversationID
	var body []byte
	var text, reactions string
	var edited, deleted, pinned chat.Time
	if err := row.Scan(into(&id), &body, &text, &edited, &deleted, &pinned, &reactions); err != nil {
		return nil, err //nolint:wrapcheck // the caller names the verb
	}
	e, err := chat.DecodeEntry(body)
	if err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	m := &chat.Message{
		ConversationID: e.ConversationID, Seq: e.Seq, At: e.At, SenderID: e.SenderID, Kind: e.Kind, ClientID: e.ClientID,
		Ordinal: e.Ordinal, Text: e.Text, ReplyTo: e.ReplyTo, Attachments: e.Attachments,
		Mentions: e.Mentions, EditedAt: edited, DeletedAt: deleted, PinnedAt: pinned, Reactions: map[string][]chat.UserID{},
	}
	if edited != 0 {
		m.Text = text
	}
	if m.Attachments == nil {
		m.Attachments = []chat.Attachment{}
	}
	var list []chat.Reaction
	if err := fromJSON(reactions, &list); err != nil {
		return nil, err
	}
	for _, r := range list {
		m.Reactions[r.Emoji] = r.UserIDs
	}
	return m, nil
}

// Entries implements chat.Views.
func (s *Store) Entries(ctx context.Context, id chat.ConversationID, after chat.Seq, limit, maxBytes int) ([]chat.RawEntry, error) {
	rows, err := s.reads().Entries(ctx, id[:], int64(after), int64(after)+int64(limit))
	if err != nil {
		return nil, s.fail("list entries", err)
	}
	out := make([]chat.RawEntry, 0, len(rows))
	for i := range rows {
		if rows[i].Seq != int64(after)+int64(i)+1 {
			return nil, s.fail("list entries", fmt.Errorf("%d after %d: %w", rows[i].Seq, int64(after)+int64(i), errHole))
		}
		maxBytes -= len(rows[i].Body)
		if maxBytes < 0 && i > 0 {
			break
		}
		out = append(out, chat.RawEntry{Seq: chat.Seq(rows[i].Seq), JSON: rows[i].Body})
	}
	return out, nil
}

var headSeqs = newMulti("SELECT id, seq FROM conversations WHERE id IN (", "b", ")")

// Heads implements chat.Views.
func (s *Store) Heads(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID]chat.Seq, error) {
	out := make(map[chat.ConversationID]chat.Seq, len(ids))
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	err := headSeqs.each(ctx, s.read, nil, args, func(row scanner) error {
		var id chat.ConversationID
		var seq chat.Seq
		err := row.Scan(into(&id), &seq)
		out[id] = seq
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return nil, s.fail("read heads", err)
	}
	return out, nil
}
