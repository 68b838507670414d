package service

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
)

// MessageRef names a message and who wants something of it.
type MessageRef struct {
	UserID         chat.UserID
	ConversationID chat.ConversationID
	Seq            chat.Seq
}

// Edit gives one's own message a new text; see Submit for done. The outcome has
// no entry when the text is the same.
func (s *Service) Edit(ctx context.Context, m MessageRef, text string, done func(chat.Outcome)) {
	s.change(ctx, &chat.Command{
		Kind: chat.CmdEdit, ConversationID: m.ConversationID, ActorID: m.UserID, Target: m.Seq, Text: text,
	}, done)
}

// Delete deletes a message for everyone; see Submit for done. The outcome has no
// entry when it was deleted before.
func (s *Service) Delete(ctx context.Context, m MessageRef, done func(chat.Outcome)) {
	s.change(ctx, &chat.Command{
		Kind: chat.CmdDelete, ConversationID: m.ConversationID, ActorID: m.UserID, Target: m.Seq,
	}, done)
}

// React gives one's own reaction to a message, or takes it back; see Submit for
// done. The outcome has no entry when nothing changes.
func (s *Service) React(ctx context.Context, m MessageRef, emoji string, on bool, done func(chat.Outcome)) {
	s.change(ctx, &chat.Command{
		Kind: chat.CmdReact, ConversationID: m.ConversationID, ActorID: m.UserID, Target: m.Seq, Emoji: emoji, On: on,
	}, done)
}
