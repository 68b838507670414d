package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

var standings = newMulti(`SELECT m.conversation_id, m.user_id, m.delivered_seq, m.read_seq, c.seq, c.messages, c.last_message, c.members
	FROM members m JOIN conversations c ON c.id = m.conversation_id
	WHERE (m.conversation_id, m.user_id) IN (`, "bb", ")").locking(" ORDER BY m.conversation_id, m.user_id FOR UPDATE OF m")

// standing is where a member and the conversation stand before receipts move.
type standing struct {
	chat.Receipt
	head, lastMessage chat.Seq
	messages          int64
	members           int
}

// Advance implements chat.Views.
func (s *Store) Advance(ctx context.Context, at chat.Time, receipts []chat.Receipt) (now []chat.Advanced, err error) {
	wanted := make(map[membership]chat.Receipt, len(receipts))
	var order []membership
	for _, r := range receipts {
		key := membership{r.ConversationID, r.UserID}
		w, ok := wanted[key]
		if !ok {
			order = append(order, key)
		}
		w.DeliveredSeq, w.ReadSeq = max(w.DeliveredSeq, r.DeliveredSeq), max(w.ReadSeq, r.ReadSeq)
		wanted[key] = w
	}
	err = s.update(ctx, "advance receipts", func(t *tx) error {
		now = now[:0]
		found, err := stand(ctx, t, order)
		if err != nil {
			return err
		}
		for _, key := range order {
			st := found[key]
			if st == nil {
				continue
			}
			moved, err := st.advance(ctx, t, at, wanted[key])
			if err != nil {
				return err
			}
			now = append(now, chat.Advanced{Receipt: st.Receipt, Moved: moved, Members: st.members})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return now, nil
}

func stand(ctx context.Context, t *tx, keys []membership) (map[membership]*standing, error) {
	found := make(map[membership]*standing, len(keys))
	args := make([]any, 0, 2*len(keys))
	for i := range keys {
		args = append(args, keys[i].conversation[:], keys[i].user[:])
	}
	err := standings.each(ctx, t, nil, args, func(row scanner) error {
		var st standing
		err := row.Scan(into(&st.ConversationID), into(&st.UserID), &st.DeliveredSeq, &st.ReadSeq,
			&st.head, &st.messages, &st.lastMessage, &st.members)
		found[membership{st.ConversationID, st.UserID}] = &st
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	return found, nil
}

// advance moves one member's receipts to what is wanted, if that is further.
// What was read was delivered too.
func (st *standing) advance(ctx context.Context, t *tx, at chat.Time, want chat.Receipt) (bool, error) {
	read := max(st.ReadSeq, min(want.ReadSeq, st.head))
	delivered := max(st.DeliveredSeq, read, min(want.DeliveredSeq, st.head))
	if read == st.ReadSeq && delivered == st.DeliveredSeq {
		return false, nil
	}
	q := query.New(t)
	st.ReadSeq, st.DeliveredSeq = read, delivered
	ordinal := st.messages
	if read < st.lastMessage {
		var err error
		ordinal, err = q.OrdinalAt(ctx, st.ConversationID[:], int64(read))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, fmt.Errorf("find ordinal: %w", err)
		}
	}
	err := q.AdvanceMember(ctx, query.AdvanceMemberParams{
		DeliveredSeq: int64(delivered), ReadSeq: int64(read), ReadOrdinal: ordinal, MovedAt: int64(at),
		ConversationID: st.ConversationID[:], UserID: st.UserID[:],
	})
	if err != nil {
		return false, fmt.Errorf("move receipt: %w", err)
	}
	if st.members > chat.MaxReceiptMembers {
		return true, nil // the others look at counts, and only when they want to
	}
	if err := q.TouchConversation(ctx, int64(at), st.ConversationID[:]); err != nil {
		return false, fmt.Errorf("touch conversation: %w", err)
	}
	return true, nil
}

// Receipts implements chat.Views.
func (s *Store) Receipts(ctx context.Context, id chat.ConversationID, atLeast chat.Seq, limit int) ([]chat.Receipt, error) {
	rows, err := s.reads().Receipts(ctx, id[:], int64(atLeast), int64(limit))
	if err != nil {
		return nil, s.fail("list receipts", err)
	}
	out := make([]chat.Receipt, len(rows))
	for i := range rows {
		out[i] = chat.Receipt{ConversationID: id, DeliveredSeq: chat.Seq(rows[i].DeliveredSeq), ReadSeq: chat.Seq(rows[i].ReadSeq)}
		if err := readID(rows[i].UserID, &out[i].UserID); err != nil {
			return nil, s.fail("list receipts", err)
		}
	}
	return out, nil
}

// ReceiptCounts implements chat.Views.
func (s *Store) ReceiptCounts(ctx context.Context, id chat.ConversationID, seq chat.Seq, except chat.UserID) (delivered, seen int, err error) {
	row, err := s.reads().ReceiptCounts(ctx, int64(seq), id[:], except[:])
	if err != nil {
		return 0, 0, s.fail("count receipts", err)
	}
	return int(row.Delivered), int(row.Seen), nil
}
