package history

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"time"
)

// The kinds of entries that the checker looks into.
const (
	KindCreated = "created"
	KindMessage = "message"
	KindEdit    = "edit"
	KindDelete  = "delete"
	KindReact   = "reaction"
	KindAdded   = "member_added"
	KindRemoved = "member_removed"
	KindBlock   = "block"
)

// Entry is one entry of a conversation's log as a client reads it.
type Entry struct {
	Conversation string   `json:"conversation_id"`
	Seq          int64    `json:"seq"`
	At           string   `json:"at"`
	Sender       string   `json:"sender_id"`
	Kind         string   `json:"kind"`
	ClientID     string   `json:"client_id"`
	Ordinal      int64    `json:"ordinal"`
	Text         string   `json:"text"`
	ReplyTo      int64    `json:"reply_to"`
	Files        []File   `json:"attachments"`
	Target       int64    `json:"target"`
	Emoji        string   `json:"emoji"`
	On           bool     `json:"on"`
	Users        []string `json:"user_ids"`
	Role         string   `json:"role"`
	Redacted     bool     `json:"redacted"`
}

// File is a file that a message holds.
type File struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
}

// holds reports whether a message holds a file and no other; an empty id means none.
func (e *Entry) holds(file string) bool {
	if file == "" {
		return len(e.Files) == 0
	}
	return len(e.Files) == 1 && e.Files[0].ID == file
}

//nolint:gochecknoglobals // hashes are compared within one process only
var hashSeed = maphash.MakeSeed()

// Hash is a text as the history keeps it; never 0.
func Hash(text string) uint64 { return max(1, maphash.String(hashSeed, text)) }

// Identity is a hash of everything that never changes about an entry: all but the
// text of a message or an edit, which a deletion takes away.
func (e *Entry) Identity() uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	var numbers [33]byte
	binary.LittleEndian.PutUint64(numbers[0:], uint64(e.Seq))
	binary.LittleEndian.PutUint64(numbers[8:], uint64(e.Ordinal))
	binary.LittleEndian.PutUint64(numbers[16:], uint64(e.Target))
	binary.LittleEndian.PutUint64(numbers[24:], uint64(e.ReplyTo))
	if e.On {
		numbers[32] = 1
	}
	_, _ = h.Write(numbers[:]) // documented never to fail
	for _, s := range [...]string{e.At, e.Sender, e.Kind, e.ClientID, e.Emoji, e.Role} {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
	for _, u := range e.Users {
		_, _ = h.WriteString(u)
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

// Body is a hash of the text; 0 where there is none or it was taken away.
func (e *Entry) Body() uint64 {
	if e.Redacted || e.Text == "" {
		return 0
	}
	return Hash(e.Text)
}

// String shows an entry in an excerpt.
func (e *Entry) String() string {
	s := fmt.Sprintf("%d %s by %s", e.Seq, e.Kind, short(e.Sender))
	if e.ClientID != "" {
		s += " key " + e.ClientID
	}
	if e.Target != 0 {
		s += fmt.Sprintf(" of %d", e.Target)
	}
	if e.ReplyTo != 0 {
		s += fmt.Sprintf(" answers %d", e.ReplyTo)
	}
	for _, f := range e.Files {
		s += " file " + short(f.ID)
	}
	for _, u := range e.Users {
		s += " " + short(u)
	}
	if e.Kind == KindBlock {
		s += fmt.Sprintf(" %t", e.On)
	}
	if e.Redacted {
		return s + " redacted"
	}
	if e.Text != "" {
		s += fmt.Sprintf(" %.40q", e.Text)
	}
	return s
}

// short is the end of an id: its beginning is a time, which many share.
func short(id string) string {
	if len(id) > 8 {
		return id[len(id)-8:]
	}
	return id
}

// Seen is an entry that a device applied.
type Seen struct {
	Seq      int64
	Identity uint64
	Body     uint64
	At       time.Duration // since the history began
}

// SeenOf is what is kept of an entry that was applied at a time.
func SeenOf(e *Entry, at time.Duration) Seen {
	return Seen{Seq: e.Seq, Identity: e.Identity(), Body: e.Body(), At: at}
}
