package sqlstore

import (
	"context"
	"errors"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

func toSession(row *query.Session) (chat.Session, error) {
	s := chat.Session{
		CreatedAt: chat.Time(row.CreatedAt), SeenAt: chat.Time(row.SeenAt), ExpiresAt: chat.Time(row.ExpiresAt),
		UserAgent: row.UserAgent, Address: row.Address,
	}
	if copy(s.TokenHash[:], row.TokenHash) != len(s.TokenHash) {
		return s, errBadRow
	}
	return s, errors.Join(readID(row.ID, &s.ID), readID(row.UserID, &s.UserID))
}

// CreateSession implements chat.Sessions.
func (s *Store) CreateSession(ctx context.Context, x *chat.Session) error {
	return s.update(ctx, "create session", func(t *tx) error {
		return query.New(t).CreateSession(ctx, query.CreateSessionParams{
			ID: x.ID[:], UserID: x.UserID[:], TokenHash: x.TokenHash[:], CreatedAt: int64(x.CreatedAt),
			SeenAt: int64(x.SeenAt), ExpiresAt: int64(x.ExpiresAt), UserAgent: strings.ToValidUTF8(x.UserAgent, "\uFFFD"), Address: x.Address,
		})
	})
}

// SessionByToken implements chat.Sessions.
func (s *Store) SessionByToken(ctx context.Context, hash [32]byte) (*chat.Session, *chat.Account, error) {
	row, err := s.reads().SessionByToken(ctx, hash[:])
	if err != nil {
		return nil, nil, s.fail("find session", err)
	}
	x, err := toSession(&row.Session)
	if err != nil {
		return nil, nil, s.fail("find session", err)
	}
	a, err := toAccount(&row.Account)
	if err != nil {
		return nil, nil, s.fail("find session", err)
	}
	return &x, a, nil
}

// ListSessions implements chat.Sessions.
func (s *Store) ListSessions(ctx context.Context, user chat.UserID) ([]chat.Session, error) {
	rows, err := s.reads().ListSessions(ctx, user[:])
	if err != nil {
		return nil, s.fail("list sessions", err)
	}
	out := make([]chat.Session, len(rows))
	for i := range rows {
		if out[i], err = toSession(&rows[i]); err != nil {
			return nil, s.fail("list sessions", err)
		}
	}
	return out, nil
}

// DeleteSession implements chat.Sessions.
func (s *Store) DeleteSession(ctx context.Context, user chat.UserID, id chat.SessionID, at chat.Time) error {
	return s.update(ctx, "delete session", func(t *tx) error {
		if err := one(query.New(t).DeleteSession(ctx, id[:], user[:])); err != nil {
			return err
		}
		return query.New(t).NoteEnded(ctx, id[:], user[:], int64(at)) //nolint:wrapcheck // update names the verb
	})
}

// one turns "no row was affected" into chat.ErrNotFound.
func one(rows int64, err error) error {
	if err == nil && rows == 0 {
		return chat.ErrNotFound
	}
	return err
}

// DeleteSessions implements chat.Sessions.
func (s *Store) DeleteSessions(ctx context.Context, user chat.UserID, keep chat.SessionID, at chat.Time) (gone []chat.SessionID, err error) {
	err = s.update(ctx, "delete sessions", func(t *tx) error {
		rows, err := query.New(t).DeleteSessions(ctx, user[:], keep[:])
		if err != nil {
			return err //nolint:wrapcheck // update names the verb
		}
		gone = make([]chat.SessionID, len(rows))
		for i := range rows {
			if err := readID(rows[i], &gone[i]); err != nil {
				return err
			}
			if err := query.New(t).NoteEnded(ctx, rows[i], user[:], int64(at)); err != nil {
				return err //nolint:wrapcheck // update names the verb
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return gone, nil
}

// EndedSince implements chat.Sessions.
func (s *Store) EndedSince(ctx context.Context, at chat.Time, limit int) ([]chat.EndedSession, error) {
	rows, err := s.reads().EndedSince(ctx, int64(at), int64(limit))
	if err != nil {
		return nil, s.fail("list ended sessions", err)
	}
	out := make([]chat.EndedSession, len(rows))
	for i := range rows {
		out[i].At = chat.Time(rows[i].At)
		if err := errors.Join(readID(rows[i].ID, &out[i].ID), readID(rows[i].UserID, &out[i].UserID)); err != nil {
			return nil, s.fail("list ended sessions", err)
		}
	}
	return out, nil
}

// endedLife is how long it is remembered which sessions were ended, in milliseconds.
const endedLife = 2 * 3600 * 1000

// TouchSession implements chat.Sessions.
func (s *Store) TouchSession(ctx context.Context, id chat.SessionID, seen, expires chat.Time) error {
	return s.update(ctx, "touch session", func(t *tx) error {
		return one(query.New(t).TouchSession(ctx, int64(seen), int64(expires), id[:]))
	})
}

// DeleteExpired implements chat.Sessions.
func (s *Store) DeleteExpired(ctx context.Context, now chat.Time) (n int, err error) {
	err = s.update(ctx, "delete expired sessions", func(t *tx) error {
		rows, err := query.New(t).DeleteExpired(ctx, int64(now))
		if n = int(rows); err != nil {
			return err //nolint:wrapcheck // update names the verb
		}
		return query.New(t).ForgetEnded(ctx, int64(now)-endedLife) //nolint:wrapcheck // update names the verb
	})
	return n, err
}
