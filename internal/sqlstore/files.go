package sqlstore

import (
	"context"
	"errors"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

// CreateFile implements chat.Files.
func (s *Store) CreateFile(ctx context.Context, f *chat.File) error {
	return s.update(ctx, "create file", func(t *tx) error {
		return query.New(t).CreateFile(ctx, query.CreateFileParams{
			ID: f.ID[:], OwnerID: f.OwnerID[:], Name: f.Name, Size: f.Size, Mime: f.MIME,
			Width: int64(f.Width), Height: int64(f.Height), Thumb: flag(f.Thumb), Sha256: f.SHA256[:],
			CreatedAt: int64(f.CreatedAt), Avatar: flag(f.Avatar),
		})
	})
}

// File implements chat.Files.
func (s *Store) File(ctx context.Context, id chat.FileID) (*chat.File, error) {
	row, err := s.reads().File(ctx, id[:])
	if err != nil {
		return nil, s.fail("find file", err)
	}
	f := &chat.File{
		Attachment: chat.Attachment{
			Name: row.Name, Size: row.Size, MIME: row.Mime,
			Width: int(row.Width), Height: int(row.Height), Thumb: row.Thumb != 0,
		},
		CreatedAt: chat.Time(row.CreatedAt), Avatar: row.Avatar != 0,
	}
	err = errors.Join(readID(row.ID, &f.ID), readID(row.OwnerID, &f.OwnerID))
	if err != nil || copy(f.SHA256[:], row.Sha256) != len(f.SHA256) {
		return nil, s.fail("find file", errors.Join(err, errBadRow))
	}
	return f, nil
}

// UsedBytes implements chat.Files.
func (s *Store) UsedBytes(ctx context.Context, owner chat.UserID) (int64, error) {
	n, err := s.reads().UsedBytes(ctx, owner[:])
	if err != nil {
		return 0, s.fail("sum files", err)
	}
	return n, nil
}

// MarkAvatar implements chat.Files.
func (s *Store) MarkAvatar(ctx context.Context, owner chat.UserID, id chat.FileID) error {
	return s.update(ctx, "mark avatar", func(t *tx) error {
		return one(query.New(t).MarkAvatar(ctx, id[:], owner[:]))
	})
}

// Orphans implements chat.Files.
func (s *Store) Orphans(ctx context.Context, before chat.Time, limit int) ([]chat.FileID, error) {
	rows, err := s.reads().Orphans(ctx, int64(before), int64(limit))
	if err != nil {
		return nil, s.fail("list orphans", err)
	}
	out := make([]chat.FileID, len(rows))
	for i := range rows {
		if err := readID(rows[i], &out[i]); err != nil {
			return nil, s.fail("list orphans", err)
		}
	}
	return out, nil
}

// DeleteFile implements chat.Files.
func (s *Store) DeleteFile(ctx context.Context, id chat.FileID) error {
	return s.update(ctx, "delete file", func(t *tx) error {
		return one(query.New(t).DeleteFile(ctx, id[:]))
	})
}

// FileHolder implements chat.Views.
func (s *Store) FileHolder(ctx context.Context, user chat.UserID, file chat.FileID) (bool, error) {
	holds, err := s.reads().FileHolder(ctx, file[:], user[:])
	if err != nil {
		return false, s.fail("find holder of file", err)
	}
	return holds != 0, nil
}
