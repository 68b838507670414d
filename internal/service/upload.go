package service

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// Blobs keeps the bytes of files. Safe for concurrent use.
type Blobs interface {
	// Put stores the bytes of a file under f.ID, as a stream, and completes what
	// is known of it: MIME (found by looking at the bytes), Size, SHA256 and, of
	// a picture, Width, Height and Thumb. A picture loses its metadata. The bytes
	// are durable when Put returns; after an error nothing is left of them.
	Put(ctx context.Context, f *chat.File, body io.Reader) error
	// PutAvatar is Put for a profile's picture: its middle square, encoded anew. body
	// is read whole. What is no picture gives ErrInvalid, one too large ErrTooLarge.
	PutAvatar(ctx context.Context, f *chat.File, body io.Reader) error
	// Get opens length bytes of a file, or of its thumbnail, from offset on; a
	// length of -1 means to the end. What is not there gives ErrNotFound.
	Get(ctx context.Context, id chat.FileID, thumb bool, offset, length int64) (io.ReadCloser, error)
	// Thumb gives type and size of a thumbnail, or ErrNotFound.
	Thumb(ctx context.Context, id chat.FileID) (mime string, size int64, err error)
	// Delete deletes a file's bytes and its thumbnail. What is not there is no error.
	Delete(ctx context.Context, id chat.FileID) error
	// Sweep deletes what unfinished uploads left before a time.
	Sweep(ctx context.Context, before chat.Time) error
}

// UploadRequest is a file on its way in. Body is read once, as a stream; the
// name is what the person calls it and decides nothing.
type UploadRequest struct {
	UserID chat.UserID
	Name   string
	Body   io.Reader
}

// MaxFileName bounds a file's name, in bytes.
const MaxFileName = 255

var (
	errFileTooLarge = &chat.Error{Code: chat.CodeTooLarge, Reason: "file_too_large", Message: "The file is larger than what is allowed here."}
	errQuota        = &chat.Error{Code: chat.CodeTooLarge, Reason: "quota_exceeded", Message: "Your files take all the room that you have here."}
	errUploadEnded  = &chat.Error{Code: chat.CodeInvalid, Reason: "malformed", Message: "The upload ended early."}
)

// Upload stores a file and gives what is known of it. The type is found by
// looking at the bytes, never taken from the client. Of pictures the metadata
// (place, camera, comments) is taken out without touching the pixels, the size
// is measured and a thumbnail made. The bytes are durable when it returns.
func (s *Service) Upload(ctx context.Context, r UploadRequest) (*chat.File, error) {
	room, err := s.room(ctx, r.UserID)
	if err != nil {
		return nil, err
	}
	in := &upload{from: r.Body, room: room, most: s.Limits.FileBytes}
	id, err := s.newID()
	if err != nil {
		return nil, s.hide(ctx, "make id", err)
	}
	file := &chat.File{
		Attachment: chat.Attachment{ID: id, Name: cleanFileName(r.Name)}, OwnerID: r.UserID, CreatedAt: s.now(),
	}
	err = s.Blobs.Put(ctx, file, in)
	if in.err != nil {
		return nil, in.err
	}
	if err != nil {
		return nil, s.hide(ctx, "store file", err)
	}
	if in.n == 0 {
		err = chat.Invalid("file", "is empty")
	} else {
		err = s.Files.CreateFile(ctx, file)
	}
	if err != nil {
		if derr := s.Blobs.Delete(context.WithoutCancel(ctx), id); derr != nil {
			s.Logger.WarnContext(ctx, "delete blob", "file_id", id, "error", derr)
		}
		return nil, s.hide(ctx, "note file", err)
	}
	return file, nil
}

// room gives how many more bytes a person may store.
func (s *Service) room(ctx context.Context, user chat.UserID) (int64, error) {
	if s.Limits.QuotaBytes <= 0 {
		return s.Limits.FileBytes, nil
	}
	used, err := s.Files.UsedBytes(ctx, user)
	if err != nil {
		return 0, s.hide(ctx, "read quota", err)
	}
	if used >= s.Limits.QuotaBytes {
		return 0, errQuota
	}
	return s.Limits.QuotaBytes - used, nil
}

// upload counts what comes in and keeps the error that the caller is told.
type upload struct {
	from          io.Reader
	n, room, most int64
	err           *chat.Error
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	u.n += int64(n)
	switch {
	case u.n > u.most:
		u.err = errFileTooLarge
	case u.n > u.room:
		u.err = errQuota
	case err != nil && !errors.Is(err, io.EOF):
		var own *chat.Error
		if u.err = errUploadEnded; errors.As(err, &own) {
			u.err = own
		}
	}
	if u.err != nil {
		return 0, u.err
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// cleanFileName keeps a name for showing and for downloads: no path, nothing
// that cannot be seen, nothing that turns the direction of text.
func cleanFileName(name string) string {
	name = strings.ToValidUTF8(name, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Trim(plain(name, len(name)), " .")
	if len(name) > MaxFileName {
		name = shorten(name)
	}
	if name == "" {
		return "file"
	}
	return name
}

// shorten cuts a name and keeps its extension.
func shorten(name string) string {
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 16 {
		ext = name[i:]
	}
	return plain(name[:len(name)-len(ext)], MaxFileName-len(ext)) + ext
}
