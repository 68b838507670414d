package sqlstore

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

var errBadRow = errors.New("the store holds a value of the wrong form")

// readID reads an id column; NULL is the zero id.
func readID[K any](b []byte, id *chat.ID[K]) error {
	if len(b) == 0 {
		*id = chat.ID[K]{}
		return nil
	}
	if len(b) != len(id) {
		return fmt.Errorf("read id: %w", errBadRow)
	}
	copy(id[:], b)
	return nil
}

// nullID writes an id column that may be NULL.
func nullID[K any](id chat.ID[K]) []byte {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

// idColumn scans an id.
type idColumn[K any] struct{ id *chat.ID[K] }

func into[K any](id *chat.ID[K]) idColumn[K] { return idColumn[K]{id} }

// Scan implements sql.Scanner.
func (c idColumn[K]) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok && src != nil {
		return fmt.Errorf("read id: %w", errBadRow)
	}
	return readID(b, c.id)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func toUser(row *query.Account) (chat.User, error) {
	u := chat.User{
		Username: row.Username, DisplayName: row.DisplayName, Bio: row.Bio,
		CreatedAt: chat.Time(row.CreatedAt), Disabled: row.Disabled != 0,
	}
	return u, errors.Join(readID(row.ID, &u.ID), readID(row.AvatarID, &u.AvatarID))
}

// cursor packs the key of the last item of a page. Cursors are opaque to
// callers and may be tampered with: what does not unpack is their fault.
func cursor(numbers []int64, text string) string {
	b := make([]byte, 0, 8*len(numbers)+len(text))
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // the bits are kept
	}
	return base64.RawURLEncoding.EncodeToString(append(b, text...))
}

// parseCursor unpacks what cursor packed; "" gives ok false: the start.
func parseCursor(c string, numbers int) (ns []int64, text string, ok bool, err error) {
	if c == "" {
		return nil, "", false, nil
	}
	b, derr := base64.RawURLEncoding.DecodeString(c)
	if derr != nil || len(b) < 8*numbers || len(b) > 1024 {
		return nil, "", false, chat.Invalid("cursor", "is not one that was given out")
	}
	for range numbers {
		ns = append(ns, int64(binary.BigEndian.Uint64(b))) //nolint:gosec // the bits are kept
		b = b[8:]
	}
	return ns, string(b), true, nil
}
