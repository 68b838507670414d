package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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
	blobs  Blobs
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
		if err := s.holds(ctx, user, id); err != nil {
			return nil, err
		}
	}
	d := &Download{File: file, MIME: file.MIME, Size: file.Size, Inline: inline(file.MIME, file.Width > 0), blobs: s.Blobs}
	if !thumb || !file.Thumb {
		return d, nil
	}
	d.Thumb, d.Inline = true, true
	d.MIME, d.Size, err = s.Blobs.Thumb(ctx, id)
	return d, s.shown(ctx, "read thumbnail", err)
}

// holds makes sure that somebody may see a message which names a file. It waits a
// moment where the message may have been told already and not be stored.
func (s *Service) holds(ctx context.Context, user chat.UserID, id chat.FileID) error {
	waited := time.Duration(0)
	for pause := firstCatchUp; ; pause *= 2 {
		holds, err := s.Views.FileHolder(ctx, user, id)
		switch {
		case err != nil:
			return s.hide(ctx, "find holder", err)
		case holds:
			return nil
		case s.Told == nil || waited >= catchUp:
			return chat.ErrNotFound
		}
		waited += pause
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
}

// Range opens length bytes from offset on; a length of -1 means to the end.
func (d *Download) Range(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return d.blobs.Get(ctx, d.File.ID, d.Thumb, offset, length) //nolint:wrapcheck // says what it was doing
}

// inline reports whether a browser may show a file of this type in a page. All
// others are downloads: HTML, SVG and XML above all. Pictures must have been measured.
func inline(mime string, measured bool) bool {
	switch mime {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return measured
	case "audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/aac", "audio/ogg", "audio/wav", "audio/flac", "audio/webm",
		"video/mp4", "video/webm", "video/ogg", "application/ogg":
		return true
	}
	return false
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
			if err := s.Blobs.Delete(ctx, id); err != nil {
				return swept, fmt.Errorf("delete file: %w", err)
			}
			swept++
		}
		if len(ids) < each {
			break
		}
	}
	if err := s.Blobs.Sweep(ctx, before); err != nil {
		return swept, fmt.Errorf("sweep uploads: %w", err)
	}
	return swept, nil
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
