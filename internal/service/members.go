package service

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
)

// MemberRef names a member of a conversation and who wants something of them.
type MemberRef struct {
	UserID         chat.UserID // who asks
	ConversationID chat.ConversationID
	MemberID       chat.UserID // who is meant
}

// Members lists the members of a conversation, owners first.
func (s *Service) Members(ctx context.Context, user chat.UserID, id chat.ConversationID, cursor string, limit int) (chat.Page[chat.MemberView], error) {
	if _, err := s.member(ctx, user, id, chat.ActRead); err != nil {
		return chat.Page[chat.MemberView]{}, err
	}
	page, err := s.Views.Members(ctx, id, cursor, upTo(limit, DefaultPage, MaxPage))
	return page, s.shown(ctx, "list members", err)
}

// AddMembers adds people. The outcome has no entry when all of them are members already.
func (s *Service) AddMembers(ctx context.Context, user chat.UserID, id chat.ConversationID, people []chat.UserID) (chat.Outcome, error) {
	if _, err := s.member(ctx, user, id, chat.ActAddMembers); err != nil {
		return chat.Outcome{}, err
	}
	if len(people) > chat.MaxMembersPerCommand {
		return chat.Outcome{}, tooManyPeople()
	}
	if err := s.mayAdd(ctx, user, "user_ids", people); err != nil {
		return chat.Outcome{}, err
	}
	return s.alter(ctx, &chat.Command{Kind: chat.CmdAddMembers, ConversationID: id, ActorID: user, UserIDs: people})
}

// RemoveMember removes somebody; oneself means to leave.
func (s *Service) RemoveMember(ctx context.Context, m MemberRef) (chat.Outcome, error) {
	return s.alter(ctx, &chat.Command{
		Kind: chat.CmdRemoveMember, ConversationID: m.ConversationID, ActorID: m.UserID, UserIDs: []chat.UserID{m.MemberID},
	})
}

// SetRole gives somebody a role. The outcome has no entry when they have it already.
func (s *Service) SetRole(ctx context.Context, m MemberRef, role chat.Role) (chat.Outcome, error) {
	return s.alter(ctx, &chat.Command{
		Kind: chat.CmdSetRole, ConversationID: m.ConversationID, ActorID: m.UserID, UserIDs: []chat.UserID{m.MemberID}, Role: role,
	})
}
