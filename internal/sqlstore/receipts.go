package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
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

// advancing is receipts on their way into the store.
type advancing struct {
	at chat.Time
	// wanted is the furthest that was asked for each member; order are its keys, in
	// the order in which rows are locked.
	wanted map[membership]chat.Receipt
	order  []membership
	found  map[membership]*standing
}

// Advance implements chat.Views.
func (s *Store) Advance(ctx context.Context, at chat.Time, receipts []chat.Receipt) (now []chat.Advanced, err error) {
	a := advancing{at: at, wanted: make(map[membership]chat.Receipt, len(receipts))}
	for _, r := range receipts {
		key := membership{r.ConversationID, r.UserID}
		w, ok := a.wanted[key]
		if !ok {
			a.order = append(a.order, key)
		}
		w.DeliveredSeq, w.ReadSeq = max(w.DeliveredSeq, r.DeliveredSeq), max(w.ReadSeq, r.ReadSeq)
		a.wanted[key] = w
	}
	slices.SortFunc(a.order, compareMemberships)
	err = s.update(ctx, "advance receipts", func(t *tx) error {
		if err := a.stand(ctx, t); err != nil {
			return err
		}
		now, err = a.move(ctx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	return now, nil
}

// stand finds where the members stand, and keeps others from moving them meanwhile.
func (a *advancing) stand(ctx context.Context, t *tx) error {
	a.found = make(map[membership]*standing, len(a.order))
	args := make([]any, 0, 2*len(a.order))
	for i := range a.order {
		args = append(args, a.order[i].conversation[:], a.order[i].user[:])
	}
	err := standings.each(ctx, t, nil, args, func(row scanner) error {
		var st standing
		err := row.Scan(into(&st.ConversationID), into(&st.UserID), &st.DeliveredSeq, &st.ReadSeq,
			&st.head, &st.messages, &st.lastMessage, &st.members)
		a.found[membership{st.ConversationID, st.UserID}] = &st
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	return nil
}

var (
	ordinals = newMulti(`SELECT v.column1, v.column2, (SELECT e.ordinal FROM message_entries e
			WHERE e.conversation_id = v.column1 AND e.seq <= v.column2 ORDER BY e.seq DESC LIMIT 1)
		FROM (`, "bi", ") AS v")
	moveMembers = newMulti("UPDATE members SET delivered_seq = v.column3, read_seq = v.column4, read_ordinal = v.column5, moved_at = v.column6 FROM (",
		"bbiiii", ") AS v WHERE members.conversation_id = v.column1 AND members.user_id = v.column2")
	touchConversations = newMulti("UPDATE conversations SET moved_at = v.column2 FROM (", "bi",
		") AS v WHERE conversations.id = v.column1 AND conversations.moved_at < v.column2")
)

// move moves the receipts to what is wanted, where that is further.
func (a *advancing) move(ctx context.Context, t *tx) ([]chat.Advanced, error) {
	now := make([]chat.Advanced, 0, len(a.found))
	var moved []*standing
	var between []any // reads that are not at the end, for their ordinals
	for _, key := range a.order {
		st := a.found[key]
		if st == nil {
			continue
		}
		further := st.advance(a.wanted[key])
		now = append(now, chat.Advanced{Receipt: st.Receipt, Moved: further, Members: st.members})
		if !further {
			continue
		}
		moved = append(moved, st)
		if st.ReadSeq < st.lastMessage {
			between = append(between, st.ConversationID[:], int64(st.ReadSeq))
		}
	}
	at := make(map[address]int64, len(between)/2)
	err := ordinals.each(ctx, t, nil, between, func(row scanner) error {
		var key address
		var ordinal sql.NullInt64
		err := row.Scan(into(&key.conversation), &key.seq, &ordinal)
		at[key] = ordinal.Int64
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return nil, fmt.Errorf("find ordinals: %w", err)
	}
	members := make([]any, 0, 6*len(moved))
	var touched []any
	for i, st := range moved {
		ordinal := st.messages
		if st.ReadSeq < st.lastMessage {
			ordinal = at[address{st.ConversationID, st.ReadSeq}]
		}
		members = append(members, st.ConversationID[:], st.UserID[:], int64(st.DeliveredSeq), int64(st.ReadSeq), ordinal, int64(a.at))
		// In large ones the others look at counts, and only when they want to.
		if st.members <= chat.MaxReceiptMembers && (i == 0 || moved[i-1].ConversationID != st.ConversationID) {
			touched = append(touched, st.ConversationID[:], int64(a.at))
		}
	}
	if _, err := moveMembers.exec(ctx, t, members); err != nil {
		return nil, fmt.Errorf("move receipts: %w", err)
	}
	if _, err := touchConversations.exec(ctx, t, touched); err != nil {
		return nil, fmt.Errorf("touch conversations: %w", err)
	}
	return now, nil
}

// advance moves one member's receipts to what is wanted, if that is further.
// What was read was delivered too.
func (st *standing) advance(want chat.Receipt) bool {
	read := max(st.ReadSeq, min(want.ReadSeq, st.head))
	delivered := max(st.DeliveredSeq, read, min(want.DeliveredSeq, st.head))
	if sabotage.ReceiptsWithoutMax {
		read, delivered = min(want.ReadSeq, st.head), max(want.ReadSeq, min(want.DeliveredSeq, st.head))
	}
	further := read != st.ReadSeq || delivered != st.DeliveredSeq
	st.ReadSeq, st.DeliveredSeq = read, delivered
	return further
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
