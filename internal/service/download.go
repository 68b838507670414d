package service

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/parley-chat/parley/internal/chat"
)

// Download is a file that somebody may fetch.
type Download struct {
	File *chat.File
	// MIME and Size are of what is fetched, which may be the thumbnail.
	MIME   string
	Size   int64
	Thumb  bool
	Inline bool // a browser may show it in a page
	key    string
	s      *Service
}

// OpenFile gives a file, or its thumbnail where it has one, to its owner, to
// members who see a message that holds it, and, if it is a profile's picture, to
// everybody who is logged in. For all others it does not exist.
func (s *Service) OpenFile(ctx context.Context, user chat.UserID, id chat.FileID, thumb bool) (*Download, error) {
	file, err := s.Files.File(ctx, id)
	if err != nil {
		return nil, s.hide(ctx, "find file", err)
	}
	if file.OwnerID != user && !file.Avatar {
		holds, err := s.Views.FileHolder(ctx, user, id)
		if err != nil {
			return nil, s.hide(ctx, "find holder", err)
		}
		if !holds {
			return nil, chat.ErrNotFound
		}
	}
	d := &Download{
		File: file, MIME: file.MIME, Size: file.Size, Inline: inline(file.MIME, file.Width > 0), key: blobKey(id), s: s,
	}
	if thumb && file.Thumb {
		return d, d.useThumb(ctx)
	}
	return d, nil
}

func (d *Download) useThumb(ctx context.Context) error {
	d.key, d.Thumb, d.Inline = thumbKey(d.File.ID), true, true
	r, err := d.s.Blobs.NewRangeReader(ctx, d.key, 0, 512, nil)
	if err != nil {
		return d.s.blobError(ctx, err)
	}
	defer r.Close() //nolint:errcheck // nothing was written
	head, err := io.ReadAll(r)
	if err != nil {
		return d.s.blobError(ctx, err)
	}
	d.Size, d.MIME = r.Size(), sniff(head)
	return nil
}

// Range opens length bytes from offset on; a length of -1 means to the end.
func (d *Download) Range(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	r, err := d.s.Blobs.NewRangeReader(ctx, d.key, offset, length, nil)
	if err != nil {
		return nil, d.s.blobError(ctx, err)
	}
	return r, nil
}

// blobError tells a caller that the blob store is out of reach, or, when a file
// that is known is not there, logs that something is missing.
func (s *Service) blobError(ctx context.Context, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		s.Logger.ErrorContext(ctx, "a blob is missing", "error", err)
		return chat.ErrNotFound
	}
	return s.hide(ctx, "read blob", err)
}

// SweepFiles deletes uploads that no message and no profile names, and that are
// older than before; and pictures that an upload left half done. It gives how
// many it deleted. A worker calls it now and then.
func (s *Service) SweepFiles(ctx context.Context, before chat.Time) (int, error) {
	const each = 200
	swept := 0
	for {
		ids, err := s.Files.Orphans(ctx, before, each)
		if err != nil {
			return swept, fmt.Errorf("list orphans: %w", err)
		}
		for _, id := range ids {
			// The row goes first: a file that is known has its bytes.
			if err := s.Files.DeleteFile(ctx, id); err != nil && !errors.Is(err, chat.ErrNotFound) {
				return swept, fmt.Errorf("delete file: %w", err)
			}
			s.discard(ctx, blobKey(id), thumbKey(id))
			swept++
		}
		if len(ids) < each {
			break
		}
	}
	return swept, s.sweepTemp(ctx, before)
}

func (s *Service) sweepTemp(ctx context.Context, before chat.Time) error {
	list := s.Blobs.List(&blob.ListOptions{Prefix: tempPrefix})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list unfinished uploads: %w", err)
		}
		if chat.TimeOf(object.ModTime) < before {
			s.discard(ctx, object.Key)
		}
	}
}

// SweepSessions deletes sessions that have expired, and gives how many. A worker
// calls it now and then.
func (s *Service) SweepSessions(ctx context.Context) (int, error) {
	n, err := s.Sessions.DeleteExpired(ctx, s.now())
	if err != nil {
		return n, fmt.Errorf("delete expired sessions: %w", err)
	}
	return n, nil
}
