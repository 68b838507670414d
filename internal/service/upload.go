package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"gocloud.dev/blob"

	"github.com/parley-chat/parley/internal/chat"
)

// UploadRequest is a file on its way in. Body is read once, as a stream; the
// name is what the person calls it and decides nothing.
type UploadRequest struct {
	UserID chat.UserID
	Name   string
	Body   io.Reader
}

const (
	// MaxFileName bounds a file's name, in bytes.
	MaxFileName = 255
	// sniffBytes is how much of a file is looked at to find its type.
	sniffBytes = 3 << 10
	// tempPrefix is where pictures lie until their metadata has been taken out.
	tempPrefix = "tmp/"
)

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
	in := &upload{Reader: r.Body, room: room, most: s.Limits.FileBytes}
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(in, head)
	head = head[:n]
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return nil, chat.Invalid("file", "is empty")
	case in.err != nil:
		return nil, in.err
	}
	id, err := s.newID()
	if err != nil {
		return nil, s.hide(ctx, "make id", err)
	}
	file := &chat.File{
		Attachment: chat.Attachment{ID: id, Name: cleanFileName(r.Name), MIME: sniff(head)},
		OwnerID:    r.UserID, CreatedAt: s.now(),
	}
	body := io.MultiReader(bytes.NewReader(head), in)
	if picture(file.MIME) {
		err = s.storePicture(ctx, file, body)
	} else {
		err = s.storeBytes(ctx, file, body)
	}
	if err == nil {
		err = s.Files.CreateFile(ctx, file)
	}
	if err != nil {
		s.discard(ctx, blobKey(id), thumbKey(id))
		if in.err != nil {
			return nil, in.err
		}
		return nil, s.hide(ctx, "store file", err)
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
	io.Reader
	n, room, most int64
	err           *chat.Error
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
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

// storeBytes streams a file as it is.
func (s *Service) storeBytes(ctx context.Context, file *chat.File, body io.Reader) error {
	sum, n, err := s.write(ctx, blobKey(file.ID), body)
	file.SHA256, file.Size = sum, n
	return err
}

// write streams to a blob; nothing is left of it after an error.
func (s *Service) write(ctx context.Context, key string, body io.Reader) (sum [32]byte, n int64, err error) {
	return s.writeBy(ctx, key, func(w io.Writer) error {
		_, err := io.Copy(w, body)
		return err //nolint:wrapcheck // writeBy wraps
	})
}

func (s *Service) writeBy(ctx context.Context, key string, fill func(io.Writer) error) (sum [32]byte, n int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.Blobs.NewWriter(ctx, key, &blob.WriterOptions{ContentType: octets, DisableContentTypeDetection: true})
	if err != nil {
		return sum, 0, fmt.Errorf("open blob: %w", err)
	}
	count := &counter{sum: sha256.New()}
	if err := fill(io.MultiWriter(w, count)); err != nil {
		cancel() // makes Close throw away what was written
		if cerr := w.Close(); cerr == nil {
			s.discard(context.WithoutCancel(ctx), key)
		}
		return sum, 0, fmt.Errorf("write blob: %w", err)
	}
	if err := w.Close(); err != nil {
		return sum, 0, fmt.Errorf("close blob: %w", err)
	}
	if s.SyncBlob != nil {
		if err := s.SyncBlob(key); err != nil {
			return sum, 0, fmt.Errorf("sync blob: %w", err)
		}
	}
	count.sum.Sum(sum[:0])
	return sum, count.n, nil
}

type counter struct {
	sum hash.Hash
	n   int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.sum.Write(p) //nolint:wrapcheck // a hash never fails
}

// discard deletes blobs that nothing names; what stays is swept later.
func (s *Service) discard(ctx context.Context, keys ...string) {
	ctx = context.WithoutCancel(ctx)
	for _, key := range keys {
		ok, err := s.Blobs.Exists(ctx, key)
		if err == nil && ok {
			err = s.Blobs.Delete(ctx, key)
		}
		if err != nil {
			s.Logger.WarnContext(ctx, "delete blob", "key", key, "error", err)
		}
	}
}

// blobKey is where a file's bytes are. The last two digits of its id are random
// and spread files over folders.
func blobKey(id chat.FileID) string {
	text := id.String()
	return "files/" + text[34:] + "/" + text
}

func thumbKey(id chat.FileID) string { return blobKey(id) + ".thumb" }

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
