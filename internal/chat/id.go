package chat

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ID is a UUID (RFC 9562) whose type parameter keeps ids of different nouns
// apart. It is comparable, usable as a map key, and allocates nothing. The zero
// value means "none". Values are immutable and safe for concurrent use.
type ID[K any] [16]byte

type (
	userKind         struct{}
	conversationKind struct{}
	fileKind         struct{}
	sessionKind      struct{}
	recordKind       struct{}
	inviteKind       struct{}
	pushKind         struct{}
)

type (
	// UserID names a person's account.
	UserID = ID[userKind]
	// ConversationID names a conversation; with a Seq it is a message's address.
	ConversationID = ID[conversationKind]
	// FileID names an uploaded file.
	FileID = ID[fileKind]
	// SessionID names a log-in. It is public; the secret token is another value.
	SessionID = ID[sessionKind]
	// RecordID names one command on its way through the log.
	RecordID = ID[recordKind]
	// InviteID names an invitation. It is public; the secret token is another value.
	InviteID = ID[inviteKind]
	// PushID names a browser that notifications are pushed to.
	PushID = ID[pushKind]
)

// ErrBadID is returned for text that is not a canonical, lower-case UUID.
var ErrBadID = errors.New("not a UUID")

// NewID makes a UUIDv7 (RFC 9562 section 5.7) from a time, of which whole
// milliseconds count, and ten random bytes.
func NewID[K any](at time.Time, random [10]byte) ID[K] {
	var id ID[K]
	putMillis(id[:], at.UnixMilli())
	copy(id[6:], random[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the canonical 36-character form. Capital letters are accepted
// (RFC 9562 section 4); anything else gives ErrBadID.
func ParseID[K any](text string) (ID[K], error) {
	var id ID[K]
	err := id.UnmarshalText([]byte(text))
	return id, err
}

// DirectID derives the id of the direct conversation of two people, so that two
// who write to each other first at the same instant get one conversation. The
// result does not depend on the order of its arguments; it has the form of a
// UUIDv7 whose time is that of the younger account.
func DirectID(a, b UserID) ConversationID {
	if string(a[:]) > string(b[:]) {
		a, b = b, a
	}
	sum := sha256.Sum256(append(append([]byte("parley direct conversation\x00"), a[:]...), b[:]...))
	var id ConversationID
	copy(id[:6], b[:6])
	copy(id[6:], sum[:10])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

func putMillis(dst []byte, ms int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(ms)<<16) //nolint:gosec // a time after 1970 is not negative
	copy(dst[:6], b[:6])
}

// IsZero reports whether the id names nothing.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// String gives the canonical lower-case form.
func (id ID[K]) String() string { return string(id.appendText(make([]byte, 0, 36))) }

func (id ID[K]) appendText(b []byte) []byte {
	for i, part := range [...][]byte{id[0:4], id[4:6], id[6:8], id[8:10], id[10:16]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// MarshalText implements encoding.TextMarshaler.
func (id ID[K]) MarshalText() ([]byte, error) { return id.appendText(make([]byte, 0, 36)), nil }

// UnmarshalText implements encoding.TextUnmarshaler; see ParseID.
func (id *ID[K]) UnmarshalText(text []byte) error {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return ErrBadID
	}
	var digits [32]byte
	n := copy(digits[:], text[:8])
	n += copy(digits[n:], text[9:13])
	n += copy(digits[n:], text[14:18])
	n += copy(digits[n:], text[19:23])
	copy(digits[n:], text[24:])
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return fmt.Errorf("%w: %w", ErrBadID, err)
	}
	return nil
}
