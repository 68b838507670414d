package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
)

var (
	errBlocked  = &chat.Error{Code: chat.CodeForbidden, Reason: "blocked", Message: "This person does not take messages from you."}
	errBlocking = &chat.Error{Code: chat.CodeForbidden, Reason: "blocking", Message: "You have blocked this person; unblock them first."}
)

// Block makes a person take nothing of another any more, or ends that. Their direct
// conversation keeps it in its own log, so that it holds for exactly what comes
// behind it, on every node. The same again changes nothing.
func (s *Service) Block(ctx context.Context, user, other chat.UserID, on bool) error {
	if user == other {
		return chat.Invalid("user_id", "is oneself")
	}
	if err := s.takeChange(ctx, user); err != nil {
		return err
	}
	if _, err := s.User(ctx, other); err != nil {
		return err
	}
	// Whatever ends between the two steps leaves the list saying "blocked": it can
	// be seen there, and done again.
	list := func() error {
		_, err := s.People.SetBlock(ctx, user, other, on, s.now())
		return s.shown(ctx, "block", err)
	}
	steps := []func() error{list, func() error { return s.blockDirect(ctx, user, other, on) }}
	if !on {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return s.tellBlock(ctx, user, other, on)
}

// blockDirect puts a block into the direct conversation of two people, if they have one.
func (s *Service) blockDirect(ctx context.Context, user, other chat.UserID, on bool) error {
	_, err := s.do(ctx, &chat.Command{Kind: chat.CmdBlock, ConversationID: chat.DirectID(user, other), ActorID: user, On: on})
	if errors.Is(err, chat.ErrNotFound) {
		return nil
	}
	return err
}

// tellBlock tells both people's nodes; only the clients of who blocks hear of it.
func (s *Service) tellBlock(ctx context.Context, user, other chat.UserID, on bool) error {
	var events []chat.Event
	conversation, err := json.Marshal(map[string]any{"conversation_id": chat.DirectID(user, other)})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	for _, pair := range [][2]chat.UserID{{user, other}, {other, user}} {
		topic := chat.Topic{Kind: chat.TopicUser, ID: pair[0]}
		data, err := json.Marshal(map[string]any{"user_id": pair[1], "on": on})
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		events = append(events,
			chat.Event{Topic: topic, Kind: chat.EventBlock, From: user, Data: data},
			chat.Event{Topic: topic, Kind: chat.EventConversation, Data: conversation})
	}
	s.publish(ctx, events...)
	return nil
}

// Blocked lists whom a person blocks.
func (s *Service) Blocked(ctx context.Context, user chat.UserID, cursor string, limit int) (chat.Page[chat.BlockedUser], error) {
	page, err := s.People.Blocked(ctx, user, cursor, upTo(limit, DefaultPage, MaxPage))
	return page, s.shown(ctx, "list blocks", err)
}

// mayMeet says whether two people may begin a conversation.
func (s *Service) mayMeet(ctx context.Context, user, peer chat.UserID) error {
	blockers, err := s.People.Blockers(ctx, user, []chat.UserID{peer})
	if err == nil && len(blockers) > 0 {
		return errBlocked
	}
	if err == nil {
		blockers, err = s.People.Blockers(ctx, peer, []chat.UserID{user})
	}
	if err == nil && len(blockers) > 0 {
		return errBlocking
	}
	return s.shown(ctx, "find blocks", err)
}

// keepBlocks puts blocks into a conversation that was just made: one of the two
// may have blocked the other while it was.
func (s *Service) keepBlocks(ctx context.Context, user, peer chat.UserID) error {
	for _, pair := range [][2]chat.UserID{{user, peer}, {peer, user}} {
		blockers, err := s.People.Blockers(ctx, pair[0], pair[1:])
		if err != nil {
			return s.hide(ctx, "find blocks", err)
		}
		if len(blockers) > 0 {
			if err := s.blockDirect(ctx, pair[1], pair[0], true); err != nil {
				return err
			}
		}
	}
	return nil
}
