package service

import (
	"context"
	"errors"

	"github.com/parley-chat/parley/internal/chat"
)

// SendRequest asks for a message. The same ClientID again from the same person
// in the same conversation is the same message.
type SendRequest struct {
	UserID         chat.UserID
	ConversationID chat.ConversationID
	ClientID       string
	Text           string
	ReplyTo        chat.Seq
	// Attachments are files of the sender, or files in messages they may see.
	Attachments []chat.FileID
	// Mentions are people who are to be told; who is no member is left out.
	Mentions []chat.UserID
}

// Send sends a message; see Submit for done. It reads the store, and so may
// block, only when there are attachments: until ctx ends. What became known in time is
// sent, though ctx ends then.
func (s *Service) Send(ctx context.Context, r SendRequest, done func(chat.Outcome)) {
	if err := s.take(ctx, "send:"+r.UserID.String(), s.Limits.SendsPerSecond, s.Limits.SendBurst); err != nil {
		done(chat.Outcome{Err: err})
		return
	}
	cmd := &chat.Command{
		Kind: chat.CmdSend, ConversationID: r.ConversationID, ActorID: r.UserID,
		ClientID: r.ClientID, Text: r.Text, ReplyTo: r.ReplyTo, Mentions: r.Mentions,
	}
	if len(r.Attachments) > 0 {
		files, err := s.attachments(ctx, r.UserID, r.Attachments)
		if err != nil {
			done(chat.Outcome{Err: chat.AsError(err)})
			return
		}
		cmd.Attachments = files
		ctx = context.WithoutCancel(ctx)
	}
	s.Submit(ctx, cmd, done)
}

// attachments turns file ids into what a message keeps of them. A file that the
// sender may not see is answered like one that does not exist.
func (s *Service) attachments(ctx context.Context, user chat.UserID, ids []chat.FileID) ([]chat.Attachment, error) {
	if len(ids) > chat.MaxAttachments {
		return nil, &chat.Error{
			Code: chat.CodeTooLarge, Message: "A message holds at most 10 files.",
			Fields: map[string]string{"attachments": "too many"},
		}
	}
	out := make([]chat.Attachment, 0, len(ids))
	for _, id := range ids {
		file, err := s.Files.File(ctx, id)
		if err == nil && file.OwnerID != user {
			err = s.holds(ctx, user, id)
		}
		if errors.Is(err, chat.ErrNotFound) {
			return nil, chat.Invalid("attachments", "names a file that does not exist")
		}
		if err != nil {
			return nil, s.hide(ctx, "resolve attachment", err)
		}
		out = append(out, file.Attachment)
	}
	return out, nil
}

// takeChange counts a change that is not a new message.
func (s *Service) takeChange(ctx context.Context, user chat.UserID) *chat.Error {
	return s.take(ctx, "change:"+user.String(), s.Limits.SendsPerSecond, s.Limits.SendBurst)
}

// change counts and submits a command that is not a new message.
func (s *Service) change(ctx context.Context, cmd *chat.Command, done func(chat.Outcome)) {
	if err := s.takeChange(ctx, cmd.ActorID); err != nil {
		done(chat.Outcome{Err: err})
		return
	}
	s.Submit(ctx, cmd, done)
}

// hide logs an error that no caller is told about, and gives what they are told.
// What is a *chat.Error already passes as it is.
func (s *Service) hide(ctx context.Context, verb string, err error) error {
	var known *chat.Error
	if errors.As(err, &known) {
		return known
	}
	if ctx.Err() != nil {
		return chat.ErrUnavailable
	}
	s.Logger.ErrorContext(ctx, verb, "error", err) //nolint:sloglint // the verb is a constant of the caller
	return chat.ErrUnavailable
}
