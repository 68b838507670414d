package service

import (
	"context"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

// How often one person may look for members of a large group.
const (
	findMembersPerSecond = 5
	findMembersBurst     = 20
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

// FindMembers lists members by the beginning of the username or a part of the name,
// those that begin with it first, at most MaxPage.
func (s *Service) FindMembers(ctx context.Context, user chat.UserID, id chat.ConversationID, query string, limit int) ([]chat.MemberView, error) {
	if _, err := s.member(ctx, user, id, chat.ActRead); err != nil {
		return nil, err
	}
	query, err := nameQuery(query)
	if err != nil || utf8.RuneCountInString(query) > maxQuery { // no name is that long
		return nil, err
	}
	if err := s.take(ctx, "find-members:"+user.String(), findMembersPerSecond, findMembersBurst); err != nil {
		return nil, err
	}
	found, err := s.Views.FindMembers(ctx, id, query, upTo(limit, DefaultPage, MaxPage))
	return found, s.shown(ctx, "find members", err)
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
