package service

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
)

// CallLog is a call that has ended.
type CallLog struct {
	ConversationID chat.ConversationID
	CallID         chat.CallID // the idempotency key
	CallerID       chat.UserID
	// UserIDs are those who took part, in the order in which they came; empty if
	// nobody answered.
	UserIDs []chat.UserID
	Summary chat.CallSummary
}

// LogCall notes in a conversation's log that a call has ended, and gives the entry.
// Who notes the same call again, with whatever words, gets the first entry: so any
// number of nodes may try. ErrUnavailable means that it has to be tried again;
// ErrNotFound that who called is not a member any more, ErrForbidden that the
// conversation is a channel. No request of a client leads here.
func (s *Service) LogCall(ctx context.Context, call CallLog) (*chat.Entry, error) {
	o, err := s.do(ctx, &chat.Command{
		Kind: chat.CmdCall, ConversationID: call.ConversationID, ActorID: call.CallerID,
		ClientID: call.CallID.String(), UserIDs: call.UserIDs, Call: &call.Summary,
	})
	return o.Entry, err
}
