package service

import (
	"context"
	"io"

	"github.com/parley-chat/parley/internal/chat"
)

// MaxAvatarBytes bounds the upload of a profile's picture.
const MaxAvatarBytes = 10 << 20

// SetAvatar makes an uploaded picture one's own. Body is read once; of the picture
// its middle square is kept, encoded anew.
func (s *Service) SetAvatar(ctx context.Context, user chat.UserID, body io.Reader) (*chat.Account, error) {
	if err := s.takeChange(ctx, user); err != nil {
		return nil, err
	}
	file, err := s.storeAvatar(ctx, user, body)
	if err != nil {
		return nil, err
	}
	return s.UpdateProfile(ctx, user, ProfileRequest{AvatarID: &file.ID})
}

// SetConversationAvatar is SetAvatar for a group or a channel.
func (s *Service) SetConversationAvatar(ctx context.Context, user chat.UserID, id chat.ConversationID, body io.Reader) (chat.Outcome, error) {
	if _, err := s.member(ctx, user, id, chat.ActUpdate); err != nil {
		return chat.Outcome{}, err
	}
	if err := s.takeChange(ctx, user); err != nil {
		return chat.Outcome{}, err
	}
	file, err := s.storeAvatar(ctx, user, body)
	if err != nil {
		return chat.Outcome{}, err
	}
	return s.Update(ctx, UpdateRequest{UserID: user, ConversationID: id, AvatarID: &file.ID})
}

// storeAvatar stores a picture that whoever is logged in may see. One that then is
// not used is an orphan, and swept as such.
func (s *Service) storeAvatar(ctx context.Context, user chat.UserID, body io.Reader) (*chat.File, error) {
	room, err := s.room(ctx, user)
	if err != nil {
		return nil, err
	}
	in := &upload{from: body, room: room, most: MaxAvatarBytes}
	id, err := s.newID()
	if err != nil {
		return nil, s.hide(ctx, "make id", err)
	}
	file := &chat.File{Attachment: chat.Attachment{ID: id, Name: "avatar"}, OwnerID: user, CreatedAt: s.now(), Avatar: true}
	err = s.Blobs.PutAvatar(ctx, file, in)
	if in.err != nil {
		return nil, in.err
	}
	if err != nil {
		return nil, s.hide(ctx, "store picture", err)
	}
	if err := s.Files.CreateFile(ctx, file); err != nil {
		if derr := s.Blobs.Delete(context.WithoutCancel(ctx), id); derr != nil {
			s.Logger.WarnContext(ctx, "delete blob", "file_id", id, "error", derr)
		}
		return nil, s.hide(ctx, "note picture", err)
	}
	return file, nil
}
