package service

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
)

// Calling is a conversation whose members may be called.
type Calling struct {
	// Direct says that it is one of two people.
	Direct bool
	// Members are all of them, the caller too.
	Members []chat.UserID
	// Spared are those of them for whom it does not ring: they block the caller.
	Spared []chat.UserID
}

// Calling says whom a person who calls in a conversation calls. It counts the call
// against their limit and that of the conversation (ErrRateLimited). Who is not a
// member gets ErrNotFound; channels, and direct conversations in which one blocks the
// other, give ErrForbidden; more than chat.MaxCallMembers give ErrTooLarge. In groups it
// does not ring for who blocks the caller. Nobody else learns of a refused call.
func (s *Service) Calling(ctx context.Context, user chat.UserID, id chat.ConversationID) (*Calling, error) {
	if _, err := s.member(ctx, user, id, chat.ActCall); err != nil {
		return nil, err
	}
	if err := s.take(ctx, "call:"+user.String(), s.Limits.CallsPerMinute/60, s.Limits.CallBurst); err != nil {
		return nil, err
	}
	// Several people of one conversation may call at the same moment, and do not ring
	// somebody in it by turns.
	if err := s.take(ctx, "calls:"+id.String(), s.Limits.CallsPerMinute/60, s.Limits.CallBurst+chat.MaxCallMembers); err != nil {
		return nil, err
	}
	head, err := s.unbarred(ctx, user, id)
	if err != nil {
		return nil, err
	}
	if head.Members > chat.MaxCallMembers {
		return nil, errCrowd
	}
	page, err := s.Views.Members(ctx, id, "", chat.MaxCallMembers+1)
	if err != nil {
		return nil, s.hide(ctx, "find whom to call", err)
	}
	if len(page.Items) > chat.MaxCallMembers {
		return nil, errCrowd
	}
	out := &Calling{Direct: head.Kind == chat.Direct}
	for _, m := range page.Items {
		out.Members = append(out.Members, m.User.ID)
	}
	if out.Direct { // its log knows who blocks whom
		return out, nil
	}
	if out.Spared, err = s.People.Blockers(ctx, user, out.Members); err != nil {
		return nil, s.hide(ctx, "find blocks", err)
	}
	return out, nil
}

// MayCall says whether somebody whom Calling let call in a conversation may do so
// still: ErrForbidden where one of the two blocks the other meanwhile.
func (s *Service) MayCall(ctx context.Context, user chat.UserID, id chat.ConversationID) error {
	_, err := s.unbarred(ctx, user, id)
	return err
}

// unbarred reads a conversation in which no block keeps somebody from talking.
func (s *Service) unbarred(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.Conversation, error) {
	if s.Told.Last(id) != 0 {
		s.fresh(ctx, id) // a block that was made a moment ago counts
	}
	head, err := s.People.Head(ctx, id)
	if err != nil {
		return nil, s.hide(ctx, "find whom to call", err)
	}
	if err := head.Barred(user); err != nil {
		return nil, err
	}
	return head, nil
}

var errCrowd = &chat.Error{Code: chat.CodeTooLarge, Reason: "too_many_members", Message: "In a conversation of more than 32 members nobody can be called."}
