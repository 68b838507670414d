package service

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// CreateRequest asks for a new group or channel. The same ClientID from the same
// person gives the same conversation; "" makes a new one each time.
type CreateRequest struct {
	UserID   chat.UserID
	Kind     chat.ConversationKind // Group or Channel
	Title    string
	UserIDs  []chat.UserID
	AvatarID chat.FileID
	ClientID string
}

// Create makes a group or a channel. created is false when it was there already.
func (s *Service) Create(ctx context.Context, r CreateRequest) (view *chat.ConversationView, created bool, err error) {
	if r.Kind != chat.Group && r.Kind != chat.Channel {
		return nil, false, chat.Invalid("kind", "must be direct, group or channel")
	}
	if len(r.ClientID) > chat.MaxClientIDBytes {
		return nil, false, chat.Invalid("client_id", "is longer than 64 bytes")
	}
	if len(r.UserIDs) > chat.MaxMembersPerCommand {
		return nil, false, tooManyPeople()
	}
	if err := shownTitle(&r.Title); err != nil {
		return nil, false, err
	}
	id, err := s.conversationID(r)
	if err != nil {
		return nil, false, s.hide(ctx, "create conversation", err)
	}
	if err := s.mayAdd(ctx, r.UserID, "member_ids", r.UserIDs); err != nil {
		return nil, false, err
	}
	cmd := &chat.Command{
		Kind: chat.CmdCreate, ConversationID: id, ActorID: r.UserID, ConversationKind: r.Kind, Title: &r.Title, UserIDs: r.UserIDs,
	}
	if !r.AvatarID.IsZero() {
		if err := s.useAvatar(ctx, r.UserID, r.AvatarID); err != nil {
			return nil, false, err
		}
		cmd.AvatarID = &r.AvatarID
	}
	return s.create(ctx, cmd)
}

// Direct gives the direct conversation of two people and makes it if it does not
// exist: the same pair, in either order, is the same conversation.
func (s *Service) Direct(ctx context.Context, user, peer chat.UserID) (view *chat.ConversationView, created bool, err error) {
	if peer.IsZero() {
		return nil, false, chat.Invalid("user_id", "is missing")
	}
	id := chat.DirectID(user, peer)
	view, err = s.Views.Conversation(ctx, user, id)
	if err == nil || !errors.Is(err, chat.ErrNotFound) {
		return view, false, s.shown(ctx, "open direct conversation", err)
	}
	if err := s.exist(ctx, "user_id", []chat.UserID{peer}); err != nil {
		return nil, false, err
	}
	if err := s.mayMeet(ctx, user, peer); err != nil {
		return nil, false, err
	}
	view, created, err = s.create(ctx, &chat.Command{
		Kind: chat.CmdCreate, ConversationID: id, ActorID: user, ConversationKind: chat.Direct, UserIDs: []chat.UserID{peer},
	})
	if err == nil {
		err = s.keepBlocks(ctx, user, peer)
	}
	return view, created, err
}

func (s *Service) create(ctx context.Context, cmd *chat.Command) (*chat.ConversationView, bool, error) {
	if err := s.takeChange(ctx, cmd.ActorID); err != nil {
		return nil, false, err
	}
	id, user := cmd.ConversationID, cmd.ActorID
	o, err := s.do(ctx, cmd)
	if err != nil {
		return nil, false, err
	}
	view, err := s.made(ctx, user, id)
	return view, o.Entry != nil && !o.Repeated, err
}

// made gives a conversation that exists, and waits a moment if the store does not
// show it yet.
func (s *Service) made(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.ConversationView, error) {
	waited := time.Duration(0)
	for pause := firstCatchUp; ; pause *= 2 {
		view, err := s.Views.Conversation(ctx, user, id)
		switch {
		case !errors.Is(err, chat.ErrNotFound) || s.Told == nil:
			return view, s.shown(ctx, "read conversation", err)
		case waited >= catchUp:
			return nil, errBehind()
		}
		waited += pause
		if err := rest(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// conversationID derives an id from the idempotency key, or makes one up.
func (s *Service) conversationID(r CreateRequest) (chat.ConversationID, error) {
	if r.ClientID == "" {
		return s.newID()
	}
	sum := sha256.Sum256([]byte("parley conversation\x00" + string(r.UserID[:]) + r.ClientID))
	return chat.ConversationID(chat.NewID[struct{}](timeOf(r.UserID), [10]byte(sum[:10]))), nil
}

// mayAdd checks that people exist and let this person add them: who blocks
// somebody is not drawn into a group by them. Which of the two it is, it does not say.
func (s *Service) mayAdd(ctx context.Context, user chat.UserID, field string, ids []chat.UserID) error {
	if err := s.exist(ctx, field, ids); err != nil || len(ids) == 0 {
		return err
	}
	blockers, err := s.People.Blockers(ctx, user, ids)
	if err != nil {
		return s.hide(ctx, "find blocks", err)
	}
	if len(blockers) > 0 {
		return cannotAdd(field)
	}
	return nil
}

func cannotAdd(field string) *chat.Error {
	return chat.Invalid(field, "names somebody who does not exist")
}

// exist checks that people exist and have not been disabled. It does not say which are missing:
// nothing about them was asked.
func (s *Service) exist(ctx context.Context, field string, ids []chat.UserID) error {
	if len(ids) == 0 {
		return nil
	}
	wanted := make(map[chat.UserID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	users, err := s.Accounts.Users(ctx, ids)
	if err != nil {
		return s.hide(ctx, "find people", err)
	}
	for i := range users {
		if !users[i].Disabled {
			delete(wanted, users[i].ID)
		}
	}
	if len(wanted) > 0 {
		return cannotAdd(field)
	}
	return nil
}

// Conversation gives a conversation as a member sees it; ErrNotFound for others.
func (s *Service) Conversation(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.ConversationView, error) {
	behind := s.fresh(ctx, id)
	view, err := s.Views.Conversation(ctx, user, id)
	if behind > 0 && errors.Is(err, chat.ErrNotFound) {
		return nil, errBehind()
	}
	return view, s.shown(ctx, "read conversation", err)
}

// Conversations lists a person's conversations, last active first. Limit is cut to MaxPage.
func (s *Service) Conversations(ctx context.Context, user chat.UserID, cursor string, limit int) (chat.Page[chat.ConversationView], error) {
	limit = upTo(limit, DefaultPage, MaxPage)
	page, err := s.Views.Conversations(ctx, user, cursor, limit)
	if err != nil || !s.older(page.Items) {
		return page, s.shown(ctx, "list conversations", err)
	}
	ids := make([]chat.ConversationID, len(page.Items))
	for i := range page.Items {
		ids[i] = page.Items[i].Conversation.ID
	}
	if _, err := s.Unstored(ctx, ids); err != nil {
		return chat.Page[chat.ConversationView]{}, err
	}
	page, err = s.Views.Conversations(ctx, user, cursor, limit)
	return page, s.shown(ctx, "list conversations", err)
}

// older reports whether this node has heard of more than some views show.
func (s *Service) older(views []chat.ConversationView) bool {
	return slices.ContainsFunc(views, func(v chat.ConversationView) bool { return s.Told.Last(v.Conversation.ID) > v.Seq })
}

// Memberships gives what live delivery has to know when a person connects.
func (s *Service) Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error) {
	all, err := s.Views.Memberships(ctx, user)
	return all, s.shown(ctx, "list memberships", err)
}

// Heads gives the last seq of each conversation, for a caller who knows that it
// may tell them; unknown ones are left out.
func (s *Service) Heads(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID]chat.Seq, error) {
	heads, err := s.Views.Heads(ctx, ids)
	return heads, s.shown(ctx, "read heads", err)
}

// UpdateRequest changes what a conversation is called or looks like; nil leaves as it is.
type UpdateRequest struct {
	UserID         chat.UserID
	ConversationID chat.ConversationID
	Title          *string
	AvatarID       *chat.FileID
}

// Update changes a conversation. The outcome has no entry when nothing changes.
func (s *Service) Update(ctx context.Context, r UpdateRequest) (chat.Outcome, error) {
	if err := shownTitle(r.Title); err != nil {
		return chat.Outcome{}, err
	}
	if r.AvatarID != nil && !r.AvatarID.IsZero() {
		if _, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActUpdate); err != nil {
			return chat.Outcome{}, err
		}
		if err := s.useAvatar(ctx, r.UserID, *r.AvatarID); err != nil {
			return chat.Outcome{}, err
		}
	}
	return s.alter(ctx, &chat.Command{
		Kind: chat.CmdUpdate, ConversationID: r.ConversationID, ActorID: r.UserID, Title: r.Title, AvatarID: r.AvatarID,
	})
}

// alter counts a change of a conversation, submits it and waits.
func (s *Service) alter(ctx context.Context, cmd *chat.Command) (chat.Outcome, error) {
	return s.Await(ctx, func(done func(chat.Outcome)) { s.change(ctx, cmd, done) })
}

func tooManyPeople() *chat.Error {
	return &chat.Error{
		Code: chat.CodeTooLarge, Message: "At most 1,000 people can be named in one request.",
		Fields: map[string]string{"member_ids": "too many"},
	}
}
