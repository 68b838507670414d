package service

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// syncMargin is how far a cursor lies in the past: a batch that is being
// committed while a client asks, perhaps by a node whose clock is behind, is
// told again rather than never.
const syncMargin = 30 * time.Second

// Moved is what a client has to look at after it was away.
type Moved struct {
	Heads []chat.Head
	// Gone are conversations that the person left, or was removed from, since the cursor.
	Gone []chat.ConversationID
	// Cursor is to be given the next time.
	Cursor string
}

// Sync gives the heads of a person's conversations whose log or receipts moved
// since the cursor; without one, of all. It may name some that did not move. A
// cursor that this server did not make gives an error of code invalid.
func (s *Service) Sync(ctx context.Context, user chat.UserID, cursor string) (*Moved, error) {
	var since chat.Time
	if cursor != "" {
		var err error
		if since, err = parseCursor(cursor); err != nil {
			return nil, err
		}
	}
	next := s.SyncCursor()
	heads, err := s.Views.Moved(ctx, user, since)
	if err != nil {
		return nil, s.hide(ctx, "sync", err)
	}
	moved := &Moved{Heads: heads, Cursor: next}
	if cursor != "" { // who knows nothing has nothing to forget
		if moved.Gone, err = s.Views.Departed(ctx, user, since); err != nil {
			return nil, s.hide(ctx, "sync", err)
		}
	}
	return moved, nil
}

// SyncCursor gives the cursor of the present moment, for a client that starts afresh.
func (s *Service) SyncCursor() string {
	var b [9]byte
	b[0] = 1 // version
	at := s.Clock().Add(-syncMargin).UnixMilli()
	binary.BigEndian.PutUint64(b[1:], uint64(max(at, 0)))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func parseCursor(cursor string) (chat.Time, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) != 9 || b[0] != 1 {
		return 0, BadCursor()
	}
	at := binary.BigEndian.Uint64(b[1:])
	if at > chat.MaxSeq {
		return 0, BadCursor()
	}
	return chat.Time(at), nil
}

// BadCursor is what a cursor is answered with that this server did not make.
func BadCursor() *chat.Error {
	e := chat.Invalid("cursor", "was not made by this server")
	e.Reason = "bad_cursor"
	return e
}

// timeOf gives the time that an id carries.
func timeOf(id [16]byte) time.Time {
	return time.UnixMilli(int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5]))
}
