package service

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
)

// MarkRead notes that somebody has seen a conversation up to seq (and so has it
// delivered), MarkDelivered that a device of theirs has it. done is called once,
// from any goroutine, with the receipt as it is when it has been written (about
// 200 ms later), or with the error. A seq beyond the head counts as the head; a
// smaller one than before changes nothing. Both read the store and so may block.
func (s *Service) MarkRead(ctx context.Context, user chat.UserID, id chat.ConversationID, seq chat.Seq, done func(chat.Receipt, error)) {
	s.mark(ctx, chat.Receipt{ConversationID: id, UserID: user, DeliveredSeq: seq, ReadSeq: seq}, done)
}

// MarkDelivered is MarkRead for what was received and not yet seen.
func (s *Service) MarkDelivered(ctx context.Context, user chat.UserID, id chat.ConversationID, seq chat.Seq, done func(chat.Receipt, error)) {
	s.mark(ctx, chat.Receipt{ConversationID: id, UserID: user, DeliveredSeq: seq}, done)
}

func (s *Service) mark(ctx context.Context, r chat.Receipt, done func(chat.Receipt, error)) {
	if _, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActRead); err != nil {
		done(chat.Receipt{}, err)
		return
	}
	s.NoteReceipt(r, done)
}

// NoteReceipt is MarkRead and MarkDelivered for a caller who knows that the
// person is a member. It does not block. Receipts of people who are not members
// (any more) are dropped when they are written.
func (s *Service) NoteReceipt(r chat.Receipt, done func(chat.Receipt, error)) {
	if r.DeliveredSeq < 0 || r.DeliveredSeq > chat.MaxSeq || r.ReadSeq < 0 || r.ReadSeq > r.DeliveredSeq {
		done(chat.Receipt{}, chat.Invalid("seq", "is not a seq"))
		return
	}
	s.Receipts.Note(r, done)
}

// AwaitReceipt makes a blocking call of MarkRead or MarkDelivered.
func (s *Service) AwaitReceipt(ctx context.Context, start func(done func(chat.Receipt, error))) (chat.Receipt, error) {
	type result struct {
		r   chat.Receipt
		err error
	}
	results := make(chan result, 1)
	start(func(r chat.Receipt, err error) { results <- result{r, err} })
	select {
	case got := <-results:
		return got.r, s.shown(ctx, "mark", got.err)
	case <-ctx.Done():
		return chat.Receipt{}, chat.ErrUnavailable
	}
}

// MessageReceipts says who has got a message and who has seen it, its sender
// left out. In conversations of more than chat.MaxReceiptMembers only the counts are given.
type MessageReceipts struct {
	Delivered, Seen           []chat.UserID
	DeliveredCount, SeenCount int
}

// ReceiptsOf tells a member how far a message has got.
func (s *Service) ReceiptsOf(ctx context.Context, m MessageRef) (*MessageReceipts, error) {
	message, err := s.Message(ctx, m)
	if err != nil {
		return nil, err
	}
	view, err := s.Views.Conversation(ctx, m.UserID, m.ConversationID)
	if err != nil {
		return nil, s.hide(ctx, "receipts", err)
	}
	if view.Members > chat.MaxReceiptMembers {
		var out MessageReceipts
		out.DeliveredCount, out.SeenCount, err = s.Views.ReceiptCounts(ctx, m.ConversationID, m.Seq, message.SenderID)
		return &out, s.shown(ctx, "receipts", err)
	}
	receipts, err := s.Views.Receipts(ctx, m.ConversationID, m.Seq, chat.MaxReceiptMembers+1)
	if err != nil {
		return nil, s.hide(ctx, "receipts", err)
	}
	out := &MessageReceipts{}
	for _, r := range receipts {
		if r.UserID == message.SenderID {
			continue
		}
		if r.DeliveredSeq >= m.Seq {
			out.Delivered = append(out.Delivered, r.UserID)
		}
		if r.ReadSeq >= m.Seq {
			out.Seen = append(out.Seen, r.UserID)
		}
	}
	out.DeliveredCount, out.SeenCount = len(out.Delivered), len(out.Seen)
	return out, nil
}
