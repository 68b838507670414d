package service

import (
	"context"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
)

// Calling is a conversation whose members may be called.
type Calling struct {
	// Direct says that it is one of two people.
	Direct bool
	// Members are all of them, the caller too.
	Members []chat.UserID
	// Spared are those of them for whom it does not ring: they block the caller, or it rang
	// for them too often.
	Spared []chat.UserID
}

// Calling says whom a person who calls in a conversation calls. It counts the call
// against their limit and that of the conversation (ErrRateLimited). Who is not a
// member gets ErrNotFound; channels, and direct conversations in which one blocks the
// other, give ErrForbidden; more than chat.MaxCallMembers give ErrTooLarge. In groups it
// does not ring for who blocks the caller, nor for whom it rang too often lately; where
// nobody is left for that reason, it is ErrRateLimited. Nobody else learns of a refused call.
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
	if !out.Direct { // the log of a direct one knows who blocks whom
		if out.Spared, err = s.People.Blockers(ctx, user, out.Members); err != nil {
			return nil, s.hide(ctx, "find blocks", err)
		}
	}
	if err := s.spare(ctx, user, out); err != nil {
		return nil, err
	}
	return out, nil
}

// How often a caller of somebody counts as one who seldom calls them: twice in ten minutes.
const (
	seldomCalls     = 2
	seldomPerSecond = 2.0 / 600
)

// spare takes those out for whom it rang too often lately; an error if nobody is left.
func (s *Service) spare(ctx context.Context, caller chat.UserID, c *Calling) error {
	var refused *chat.Error
	rings := 0
	for _, m := range c.Members {
		if m == caller || slices.Contains(c.Spared, m) {
			continue
		}
		if err := s.mayRing(ctx, caller, m); err != nil {
			refused = err
			c.Spared = append(c.Spared, m)
			continue
		}
		rings++
	}
	if rings == 0 && refused != nil {
		e := *errRungOften
		e.RetryAfter = refused.RetryAfter
		return &e
	}
	return nil
}

// mayRing counts that it rings for somebody. Many who call them without an end do not keep
// those away who seldom do, unless they are very many: what is left for those is counted
// apart. It tells nothing of whether, or with whom, anybody talks.
func (s *Service) mayRing(ctx context.Context, caller, callee chat.UserID) *chat.Error {
	perSecond, burst := s.Limits.RingsPerMinute/60, s.Limits.RingsPerMinute
	often := s.take(ctx, "rung:"+callee.String(), perSecond, burst)
	if often == nil || s.take(ctx, "rung-by:"+callee.String()+":"+caller.String(), seldomPerSecond, seldomCalls) != nil {
		return often
	}
	return s.take(ctx, "rung-seldom:"+callee.String(), perSecond, burst)
}

var errRungOften = &chat.Error{Code: chat.CodeRateLimited, Reason: "called_too_often", Message: "It rang too often there lately; try again in a moment."}

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
