package service

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

// PreferencesRequest says how a person wants a conversation shown and told of;
// nil leaves as it is.
type PreferencesRequest struct {
	UserID           chat.UserID
	ConversationID   chat.ConversationID
	MutedUntil       *chat.Time // zero: not muted
	Notify           *chat.NotifyLevel
	Pinned, Archived *bool
}

// SetPreferences changes what only this person sees of a conversation, and tells
// their other devices.
func (s *Service) SetPreferences(ctx context.Context, r PreferencesRequest) (*chat.ConversationView, error) {
	if r.Notify != nil && !r.Notify.Valid() {
		return nil, chat.Invalid("notify", "must be all, mentions or none")
	}
	if err := s.takeChange(ctx, r.UserID); err != nil {
		return nil, err
	}
	if _, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActRead); err != nil {
		return nil, err
	}
	_, err := s.People.UpdatePreferences(ctx, r.UserID, r.ConversationID, func(p *chat.Preferences) {
		set(&p.MutedUntil, r.MutedUntil)
		set(&p.Notify, r.Notify)
		set(&p.Pinned, r.Pinned)
		set(&p.Archived, r.Archived)
	})
	if err != nil {
		return nil, s.hide(ctx, "change preferences", err)
	}
	data, err := json.Marshal(map[string]any{"conversation_id": r.ConversationID})
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	s.publish(ctx, chat.Event{Topic: chat.Topic{Kind: chat.TopicUser, ID: r.UserID}, Kind: chat.EventConversation, Data: data})
	return s.Conversation(ctx, r.UserID, r.ConversationID)
}
