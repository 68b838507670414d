package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/parley-chat/parley/internal/chat"
)

// Position implements chat.Journal.
func (s *Store) Position(ctx context.Context, p chat.PartitionID) (next, prev int64, err error) {
	row, err := s.reads().Position(ctx, p.Log, int64(p.Partition))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, s.fail("read position", err)
	}
	return row.NextOffset, row.PrevOffset, nil
}

const headColumns = "id, kind, title, avatar_id, created_by, created_at, seq, messages, last_message, active_at, members, owners, pins, blocks"

var (
	loadHeads   = newMulti("SELECT "+headColumns+" FROM conversations WHERE id IN (", "b", ")")
	loadMembers = newMulti(`SELECT m.conversation_id, m.user_id, m.role, m.visible_from, m.joined_seq, m.joined_at,
			COALESCE((SELECT MAX(e.client_id) FROM message_entries e
				WHERE e.conversation_id = m.conversation_id AND e.sender_id = m.user_id), '')
		FROM members m WHERE (m.conversation_id, m.user_id) IN (`, "bb", ")")
	loadFewMembers = newMulti(`SELECT m.conversation_id, m.user_id, m.role, m.visible_from, m.joined_seq, m.joined_at,
			COALESCE((SELECT MAX(e.client_id) FROM message_entries e
				WHERE e.conversation_id = m.conversation_id AND e.sender_id = m.user_id), '')
		FROM conversations c JOIN members m ON m.conversation_id = c.id WHERE c.members <= `+strconv.Itoa(chat.LikelyMembers)+` AND c.id IN (`, "b", ")")
	loadSent = newMulti(`SELECT conversation_id, sender_id, client_id, body
		FROM message_entries WHERE (conversation_id, sender_id, client_id) IN (`, "bbt", ")")
	loadCalls = newMulti(`SELECT c.conversation_id, c.sender_id, c.client_id, e.body
		FROM call_entries c JOIN other_entries e ON e.conversation_id = c.conversation_id AND e.seq = c.seq
		WHERE (c.conversation_id, c.sender_id, c.client_id) IN (`, "bbt", ")")
	loadMessages = newMulti(`SELECT e.conversation_id, e.seq, e.sender_id, e.ordinal,
			COALESCE(s.text, ''), COALESCE(s.edited_at, 0), COALESCE(s.deleted_at, 0), COALESCE(s.pinned_at, 0),
			COALESCE(s.reactions, ''), COALESCE(s.edits, '')
		FROM message_entries e
		LEFT JOIN message_states s ON s.conversation_id = e.conversation_id AND s.seq = e.seq
		WHERE (e.conversation_id, e.seq) IN (`, "bi", ")")
	loadLastMessages = newMulti(`SELECT e.conversation_id, e.seq, e.sender_id, e.ordinal,
			COALESCE(s.text, ''), COALESCE(s.edited_at, 0), COALESCE(s.deleted_at, 0), COALESCE(s.pinned_at, 0),
			COALESCE(s.reactions, ''), COALESCE(s.edits, '')
		FROM conversations c
		JOIN message_entries e ON e.conversation_id = c.id AND e.seq > c.seq - `+strconv.Itoa(chat.LikelyEntries)+`
		LEFT JOIN message_states s ON s.conversation_id = e.conversation_id AND s.seq = e.seq
		WHERE c.id IN (`, "b", ")")
)

// Load implements chat.Journal.
func (s *Store) Load(ctx context.Context, states []*chat.State, wants []chat.Needs) error {
	if err := s.load(ctx, states, wants); err != nil {
		return s.fail("load", err)
	}
	return nil
}

// load asks for all conversations at once, one statement for each sort of fact.
// What no row comes for does not exist, so nil goes in first.
func (s *Store) load(ctx context.Context, states []*chat.State, wants []chat.Needs) error {
	byID := make(map[chat.ConversationID]*chat.State, len(states))
	var heads, members, messages, sent, calls, likely []any
	for i, st := range states {
		byID[st.ID] = st
		if st.Head == nil {
			heads = append(heads, st.ID[:])
		}
		missing := st.Missing(wants[i])
		if wants[i].Likely {
			likely = append(likely, st.ID[:])
		}
		for _, user := range missing.Members {
			if _, ok := st.Members[user]; ok {
				continue // named twice
			}
			st.Members[user] = nil
			members = append(members, st.ID[:], user[:])
		}
		for _, seq := range missing.Messages {
			if _, ok := st.Messages[seq]; ok {
				continue
			}
			st.Messages[seq] = nil
			messages = append(messages, st.ID[:], int64(seq))
		}
		for _, key := range missing.Sent {
			if _, ok := st.Sent[key]; ok {
				continue
			}
			st.Sent[key] = nil
			if key.Call {
				calls = append(calls, st.ID[:], key.SenderID[:], key.ClientID)
			} else {
				sent = append(sent, st.ID[:], key.SenderID[:], key.ClientID)
			}
		}
	}
	var asked []lookup
	for _, l := range []lookup{
		{&loadHeads, heads, func(row scanner) error { return scanHeadInto(row, byID) }},
		{&loadMembers, members, func(row scanner) error { return scanMemberInto(row, byID, true) }},
		{&loadMessages, messages, func(row scanner) error { return scanMessageInto(row, byID, true) }},
		{&loadFewMembers, likely, func(row scanner) error { return scanMemberInto(row, byID, false) }},
		{&loadLastMessages, likely, func(row scanner) error { return scanMessageInto(row, byID, false) }},
		{&loadSent, sent, func(row scanner) error { return scanSentInto(row, byID, false) }},
		{&loadCalls, calls, func(row scanner) error { return scanSentInto(row, byID, true) }},
	} {
		if len(l.args) > 0 {
			asked = append(asked, l)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	return s.engine.ask(ctx, asked)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

type states = map[chat.ConversationID]*chat.State

func scanHead(row scanner, more ...any) (*chat.Conversation, error) {
	var c chat.Conversation
	err := row.Scan(append([]any{
		into(&c.ID), &c.Kind, &c.Title, into(&c.AvatarID), into(&c.CreatedBy), &c.CreatedAt,
		&c.Seq, &c.Messages, &c.LastMessage, &c.ActiveAt, &c.Members, &c.Owners, &c.Pins, &c.Blocks,
	}, more...)...)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the verb
	}
	return &c, nil
}

func scanHeadInto(row scanner, byID states) error {
	c, err := scanHead(row)
	if err != nil {
		return err
	}
	byID[c.ID].Head = c
	return nil
}

// scanMemberInto reads a member; one that was not asked for does not replace what
// the state has.
func scanMemberInto(row scanner, byID states, asked bool) error {
	var id chat.ConversationID
	var m chat.Member
	if err := row.Scan(into(&id), into(&m.UserID), &m.Role, &m.VisibleFrom, &m.JoinedSeq, &m.JoinedAt, &m.LastClientID); err != nil {
		return err //nolint:wrapcheck // the caller names the verb
	}
	if _, there := byID[id].Members[m.UserID]; asked || !there {
		byID[id].Members[m.UserID] = &m
	}
	return nil
}

// scanMessageInto is scanMemberInto for a message.
func scanMessageInto(row scanner, byID states, asked bool) error {
	var id chat.ConversationID
	var m chat.MessageState
	var reactions, edits string
	err := row.Scan(into(&id), &m.Seq, into(&m.SenderID), &m.Ordinal, &m.Text, &m.EditedAt, &m.DeletedAt, &m.PinnedAt, &reactions, &edits)
	if err != nil {
		return err //nolint:wrapcheck // the caller names the verb
	}
	if err := errors.Join(fromJSON(reactions, &m.Reactions), fromJSON(edits, &m.Edits)); err != nil {
		return err
	}
	if _, there := byID[id].Messages[m.Seq]; asked || !there {
		byID[id].Messages[m.Seq] = &m
	}
	return nil
}

// scanSentInto decodes an entry, but only for a message or a call that is sent again.
func scanSentInto(row scanner, byID states, call bool) error {
	var id chat.ConversationID
	key := chat.SentKey{Call: call}
	var body []byte
	if err := row.Scan(into(&id), into(&key.SenderID), &key.ClientID, &body); err != nil {
		return err //nolint:wrapcheck // the caller names the verb
	}
	e, err := chat.DecodeEntry(body)
	if err != nil {
		return fmt.Errorf("read entry: %w", err)
	}
	byID[id].Sent[key] = e
	return nil
}

// fromJSON reads a JSON column; "" leaves dst as it is.
func fromJSON(text string, dst any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), dst); err != nil {
		return fmt.Errorf("read JSON column: %w", err)
	}
	return nil
}

// toJSON writes a JSON column.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write JSON column: %w", err)
	}
	return string(b), nil
}
