package sqlstore

import (
	"context"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

// listConversations finds only which conversations are on the page; what is
// shown of them is looked up for those.
const listConversations = `SELECT c.id, c.active_at
FROM members m JOIN conversations c ON c.id = m.conversation_id
WHERE m.user_id = ? AND (c.active_at < ? OR (c.active_at = ? AND c.id < ?))
ORDER BY c.active_at DESC, c.id DESC LIMIT ?`

var conversationViews = newMulti(`SELECT c.id, c.kind, c.title, c.avatar_id, c.created_by, c.created_at, c.seq, c.messages, c.last_message,
	c.active_at, c.members, c.owners, c.pins, c.blocks, m.role, m.visible_from, m.delivered_seq, m.read_seq,
	c.messages - m.read_ordinal - (
		SELECT COUNT(*) FROM message_states s
		WHERE s.conversation_id = m.conversation_id AND s.deleted = 1 AND s.seq > m.read_seq
	), (
		SELECT COUNT(*) FROM mentions n
		WHERE n.user_id = m.user_id AND n.conversation_id = m.conversation_id AND n.seq > m.read_seq
	), COALESCE(p.muted_until, 0), COALESCE(p.notify, 'all'), COALESCE(p.pinned, 0), COALESCE(p.archived, 0)
FROM members m JOIN conversations c ON c.id = m.conversation_id
LEFT JOIN preferences p ON p.user_id = m.user_id AND p.conversation_id = m.conversation_id
WHERE m.user_id = ? AND m.conversation_id IN (`, "b", ")")

// Conversation implements chat.Views.
func (s *Store) Conversation(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.ConversationView, error) {
	var views []chat.ConversationView
	err := s.snapshot(ctx, func(db database) (err error) {
		views, err = viewsOf(ctx, db, user, []chat.ConversationID{id})
		return err
	})
	if err != nil {
		return nil, s.fail("find conversation", err)
	}
	if len(views) == 0 {
		return nil, fmt.Errorf("find conversation: %w", chat.ErrNotFound)
	}
	return &views[0], nil
}

// Conversations implements chat.Views.
func (s *Store) Conversations(ctx context.Context, user chat.UserID, from string, limit int) (page chat.Page[chat.ConversationView], err error) {
	ns, last, ok, err := parseCursor(from, 1)
	if err != nil {
		return page, err
	}
	if !ok {
		ns = []int64{1<<63 - 1}
	}
	err = s.snapshot(ctx, func(db database) error {
		var ids []chat.ConversationID
		var active int64
		args := []any{user[:], ns[0], ns[0], []byte(last), limit + 1}
		err := queryEach(ctx, db, listConversations, args, func(row scanner) error {
			if len(ids) == limit {
				page.Next = cursor([]int64{active}, string(ids[limit-1][:]))
				return nil
			}
			var id chat.ConversationID
			err := row.Scan(into(&id), &active)
			ids = append(ids, id)
			return err //nolint:wrapcheck // the caller names the verb
		})
		if err == nil {
			page.Items, err = viewsOf(ctx, db, user, ids)
		}
		return err
	})
	if err != nil {
		return page, s.fail("list conversations", err)
	}
	return page, nil
}

// viewsOf gives those of the conversations that the user is a member of, in the order of ids.
func viewsOf(ctx context.Context, db database, user chat.UserID, ids []chat.ConversationID) ([]chat.ConversationView, error) {
	found := make(map[chat.ConversationID]*chat.ConversationView, len(ids))
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	err := conversationViews.each(ctx, db, []any{user[:]}, args, func(row scanner) error {
		var v chat.ConversationView
		var pinned, archived int64
		p := &v.Preferences
		c, err := scanHead(row, &v.Role, &v.VisibleFrom, &v.DeliveredSeq, &v.ReadSeq, &v.Unread, &v.Mentions,
			&p.MutedUntil, &p.Notify, &pinned, &archived)
		if err != nil {
			return err
		}
		p.Pinned, p.Archived = pinned != 0, archived != 0
		v.Conversation, v.Reader = *c, user
		v.ConversationID, v.LastSeq, v.Unread = c.ID, c.Seq, max(0, v.Unread)
		found[c.ID] = &v
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := firstError(
		func() error { return addLast(ctx, db, found) },
		func() error { return addReceipts(ctx, db, user, found) },
		func() error { return addPeers(ctx, db, user, found) },
	); err != nil {
		return nil, err
	}
	out := make([]chat.ConversationView, 0, len(found))
	for _, id := range ids {
		if v := found[id]; v != nil {
			out = append(out, *v)
		}
	}
	return out, nil
}

var (
	lastMessageEntries = newMulti("SELECT conversation_id, body FROM message_entries WHERE (conversation_id, seq) IN (", "bi", ")")
	lastOtherEntries   = newMulti("SELECT conversation_id, body FROM other_entries WHERE (conversation_id, seq) IN (", "bi", ")")
)

// addLast adds the last entry and the last message.
func addLast(ctx context.Context, db database, found map[chat.ConversationID]*chat.ConversationView) error {
	var entries, messages []any
	for id, v := range found {
		entries = append(entries, id[:], int64(v.Seq))
		if last := v.Conversation.LastMessage; last > 0 && last >= v.VisibleFrom {
			messages = append(messages, id[:], int64(last))
		}
	}
	body := func(row scanner) error {
		var id chat.ConversationID
		var b []byte
		err := row.Scan(into(&id), &b)
		if err == nil {
			found[id].LastEntry = b
		}
		return err //nolint:wrapcheck // the caller names the verb
	}
	return firstError(
		func() error { return lastMessageEntries.each(ctx, db, nil, entries, body) },
		func() error { return lastOtherEntries.each(ctx, db, nil, entries, body) },
		func() error {
			return messagesAt.each(ctx, db, nil, messages, func(row scanner) error {
				m, err := scanMessage(row)
				if err == nil {
					found[m.ConversationID].LastMessage = m
				}
				return err
			})
		},
	)
}

var membersReceipts = newMulti("SELECT conversation_id, user_id, delivered_seq, read_seq FROM members WHERE conversation_id IN (", "b", ") ORDER BY user_id")

// addReceipts adds the receipts of the others, where they are few enough to be shown one by one.
func addReceipts(ctx context.Context, db database, user chat.UserID, found map[chat.ConversationID]*chat.ConversationView) error {
	var args []any
	for id, v := range found {
		if v.Members <= chat.MaxReceiptMembers {
			args = append(args, id[:])
		}
	}
	return membersReceipts.each(ctx, db, nil, args, func(row scanner) error {
		var r chat.Receipt
		err := row.Scan(into(&r.ConversationID), into(&r.UserID), &r.DeliveredSeq, &r.ReadSeq)
		if err == nil && r.UserID != user {
			found[r.ConversationID].Receipts = append(found[r.ConversationID].Receipts, r)
		}
		return err //nolint:wrapcheck // the caller names the verb
	})
}

// addPeers adds the other person of direct conversations.
func addPeers(ctx context.Context, db database, user chat.UserID, found map[chat.ConversationID]*chat.ConversationView) error {
	var ids []chat.UserID
	peer := make(map[chat.ConversationID]chat.UserID)
	for id, v := range found {
		if v.Kind != chat.Direct {
			continue
		}
		peer[id] = user
		if len(v.Receipts) > 0 {
			peer[id] = v.Receipts[0].UserID
		}
		ids = append(ids, peer[id])
	}
	users, err := profiles(ctx, db, ids)
	if err != nil {
		return err
	}
	for id, who := range peer {
		u := users[who]
		found[id].Peer = &u
	}
	return nil
}
