package service

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// MinInviteLife and MaxInviteLife bound how long an invitation holds that ends
	// by itself, and DefaultInviteLife is used where nothing is said.
	MinInviteLife     = time.Minute
	MaxInviteLife     = 365 * 24 * time.Hour
	DefaultInviteLife = 7 * 24 * time.Hour
	// MaxInviteUses bounds a number of uses; none is bounded by 0.
	MaxInviteUses = chat.MaxMembers
	// invitePrefix makes tokens recognisable to scanners for leaked secrets.
	invitePrefix = "pli_"
)

// InviteRequest asks for a link by which people join. Life 0 means for ever,
// MaxUses 0 any number.
type InviteRequest struct {
	UserID         chat.UserID
	ConversationID chat.ConversationID
	Life           time.Duration
	MaxUses        int
}

// Invite makes a link by which people join a group or a channel. The token is
// shown once and kept nowhere: who has it may come in.
func (s *Service) Invite(ctx context.Context, r InviteRequest) (*chat.Invite, string, error) {
	switch {
	case r.Life != 0 && (r.Life < MinInviteLife || r.Life > MaxInviteLife):
		return nil, "", chat.Invalid("expires_in_seconds", "must be 0 for never, or a minute to a year")
	case r.MaxUses < 0 || r.MaxUses > MaxInviteUses:
		return nil, "", chat.Invalid("max_uses", "must be 0 for any number, or at most 100,000")
	}
	if err := s.takeChange(ctx, r.UserID); err != nil {
		return nil, "", err
	}
	if _, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActInvite); err != nil {
		return nil, "", err
	}
	id, err := s.newID()
	if err != nil {
		return nil, "", s.hide(ctx, "make id", err)
	}
	var secret [tokenBytes]byte
	if _, err := io.ReadFull(s.Rand, secret[:]); err != nil {
		return nil, "", s.hide(ctx, "read randomness", err)
	}
	token := invitePrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	invite := &chat.Invite{
		ID: id, ConversationID: r.ConversationID, TokenHash: sha256.Sum256([]byte(token)), CreatedBy: r.UserID,
		CreatedAt: s.now(), MaxUses: r.MaxUses,
	}
	if r.Life > 0 {
		invite.ExpiresAt = invite.CreatedAt + millis(r.Life)
	}
	if err := s.People.CreateInvite(ctx, invite); err != nil {
		return nil, "", s.hide(ctx, "create invitation", err)
	}
	s.Logger.InfoContext(ctx, "invitation made", "user_id", r.UserID, "conversation_id", r.ConversationID, "invite_id", invite.ID)
	return invite, token, nil
}

// Invites lists the live invitations of a conversation, without their tokens.
func (s *Service) Invites(ctx context.Context, user chat.UserID, id chat.ConversationID, cursor string, limit int) (chat.Page[chat.Invite], error) {
	if _, err := s.member(ctx, user, id, chat.ActInvite); err != nil {
		return chat.Page[chat.Invite]{}, err
	}
	page, err := s.People.ListInvites(ctx, id, s.now(), cursor, upTo(limit, DefaultPage, MaxPage))
	return page, s.shown(ctx, "list invitations", err)
}

// RevokeInvite ends an invitation at once.
func (s *Service) RevokeInvite(ctx context.Context, user chat.UserID, id chat.ConversationID, invite chat.InviteID) error {
	if _, err := s.member(ctx, user, id, chat.ActInvite); err != nil {
		return err
	}
	if err := s.People.DeleteInvite(ctx, id, invite); err != nil {
		return s.hide(ctx, "revoke invitation", err)
	}
	s.Logger.InfoContext(ctx, "invitation revoked", "user_id", user, "conversation_id", id, "invite_id", invite)
	return nil
}

// InvitePreview is what who was invited is shown before they join.
type InvitePreview struct {
	Conversation *chat.Conversation
	Member       bool // they are in already
}

// PreviewInvite shows what an invitation leads to. One that does not hold, for
// whatever reason, gives ErrNotFound.
func (s *Service) PreviewInvite(ctx context.Context, user chat.UserID, token string) (*InvitePreview, error) {
	invite, err := s.invite(ctx, user, token)
	if err != nil {
		return nil, err
	}
	head, err := s.People.Head(ctx, invite.ConversationID)
	if err == nil && head.Members == 0 {
		err = chat.ErrNotFound
	}
	if err != nil {
		return nil, s.hide(ctx, "read conversation", err)
	}
	_, err = s.member(ctx, user, invite.ConversationID, chat.ActRead)
	if err != nil && !errors.Is(err, chat.ErrNotFound) {
		return nil, err
	}
	return &InvitePreview{Conversation: head, Member: err == nil}, nil
}

// Join lets a person in by an invitation. joined is false when they were in already.
func (s *Service) Join(ctx context.Context, user chat.UserID, token string) (view *chat.ConversationView, joined bool, err error) {
	invite, err := s.invite(ctx, user, token)
	if err != nil {
		return nil, false, err
	}
	id := invite.ConversationID
	if view, err = s.Conversation(ctx, user, id); err == nil || !errors.Is(err, chat.ErrNotFound) {
		return view, false, err
	}
	if err := s.People.UseInvite(ctx, invite.ID, s.now()); err != nil {
		return nil, false, s.hide(ctx, "use invitation", err)
	}
	o, err := s.do(ctx, &chat.Command{Kind: chat.CmdJoin, ConversationID: id, ActorID: user})
	// What may have happened counts: only a use that let nobody in is given back.
	if joined = err == nil && o.Entry != nil && !o.Repeated; !joined && !errors.Is(err, chat.ErrUnavailable) {
		if rerr := s.People.ReturnInvite(context.WithoutCancel(ctx), invite.ID); rerr != nil {
			s.Logger.WarnContext(ctx, "return invitation", "error", rerr)
		}
	}
	if err != nil {
		return nil, false, err
	}
	view, err = s.made(ctx, user, id)
	return view, joined, err
}

// invite finds a live invitation by its token, and counts the try.
func (s *Service) invite(ctx context.Context, user chat.UserID, token string) (*chat.Invite, error) {
	if err := s.take(ctx, "invite:"+user.String(), s.Limits.InvitesPerSecond, s.Limits.InviteBurst); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(token, invitePrefix) || len(token) != len(invitePrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return nil, chat.ErrNotFound
	}
	invite, err := s.People.InviteByToken(ctx, sha256.Sum256([]byte(token)), s.now())
	return invite, s.shown(ctx, "find invitation", err)
}

// SweepInvites forgets invitations that hold no longer, and gives how many. A
// worker calls it now and then.
func (s *Service) SweepInvites(ctx context.Context) (int, error) {
	n, err := s.People.DeleteDeadInvites(ctx, s.now())
	return n, s.shown(ctx, "delete dead invitations", err)
}
