package service

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
)

// FilesRequest asks for the files of a conversation. Limit is cut to MaxPage.
type FilesRequest struct {
	UserID         chat.UserID
	ConversationID chat.ConversationID
	Sort           chat.FileSort
	Cursor         string
	Limit          int
}

// SharedFiles lists the files of a conversation that a member may see, the last first.
func (s *Service) SharedFiles(ctx context.Context, r FilesRequest) (chat.Page[chat.SharedFile], error) {
	switch r.Sort {
	case chat.FilesAll, chat.FilesMedia, chat.FilesAudio, chat.FilesOther:
	default:
		return chat.Page[chat.SharedFile]{}, chat.Invalid("kind", "must be media, audio or other")
	}
	m, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActRead)
	if err != nil {
		return chat.Page[chat.SharedFile]{}, err
	}
	page, err := s.People.SharedFiles(ctx, r.ConversationID, chat.FileQuery{
		Sort: r.Sort, VisibleFrom: m.VisibleFrom, Cursor: r.Cursor, Limit: upTo(r.Limit, DefaultPage, MaxPage),
	})
	return page, s.shown(ctx, "list files", err)
}

// Pins gives the pinned messages that a member may see, the last pinned first.
func (s *Service) Pins(ctx context.Context, user chat.UserID, id chat.ConversationID) ([]chat.Message, error) {
	m, err := s.member(ctx, user, id, chat.ActRead)
	if err != nil {
		return nil, err
	}
	pins, err := s.People.Pins(ctx, id, m.VisibleFrom)
	return pins, s.shown(ctx, "list pins", err)
}

// Pin pins a message, or takes the pin out; see Submit for done. The outcome has no
// entry when nothing changes.
func (s *Service) Pin(ctx context.Context, m MessageRef, on bool, done func(chat.Outcome)) {
	s.change(ctx, &chat.Command{
		Kind: chat.CmdPin, ConversationID: m.ConversationID, ActorID: m.UserID, Target: m.Seq, On: on,
	}, done)
}
