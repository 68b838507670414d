package gateway

import (
	"bytes"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// The canonical JSON of an entry (chat.Entry.AppendJSON) begins with fields of a
// fixed order and mostly fixed length, so what delivery has to know of an entry
// is found without decoding it.
const (
	peekID     = `{"conversation_id":"`
	peekSeq    = `","seq":`
	peekAt     = `,"at":"`
	peekSender = `","sender_id":"`
	peekKind   = `","kind":"`
	timeLen    = len("2006-01-02T15:04:05.000Z")
	idLen      = 36
)

// peeked is what delivery has to know of an entry.
type peeked struct {
	kind  chat.Kind
	known bool      // to this program
	at    time.Time // zero if it could not be told
}

// members reports whether the entry changes who is a member.
func (p peeked) members() bool {
	switch p.kind {
	case chat.KindCreated, chat.KindMemberAdded, chat.KindMemberRemoved:
		return true
	case chat.KindMessage, chat.KindEdit, chat.KindDelete, chat.KindReaction, chat.KindRole, chat.KindUpdated,
		chat.KindPin, chat.KindBlock, chat.KindCall:
	}
	return false
}

// peek reads the kind and the time of an entry. JSON of another form is decoded.
func peek(data []byte) peeked {
	rest, ok := skip(data, peekID, idLen)
	if !ok {
		return peekSlow(data)
	}
	if rest, ok = skip(rest, peekSeq, 0); !ok {
		return peekSlow(data)
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	at, ok := skip(rest[digits:], peekAt, 0)
	if !ok || len(at) < timeLen {
		return peekSlow(data)
	}
	rest, ok = skip(at[timeLen:], peekSender, idLen)
	if !ok {
		return peekSlow(data)
	}
	if rest, ok = skip(rest, peekKind, 0); !ok {
		return peekSlow(data)
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return peekSlow(data)
	}
	p := peeked{at: parseTime(at[:timeLen])}
	p.kind, p.known = kindOf(rest[:end])
	return p
}

func skip(data []byte, literal string, more int) ([]byte, bool) {
	if len(data) < len(literal)+more || string(data[:len(literal)]) != literal {
		return nil, false
	}
	return data[len(literal)+more:], true
}

// kindOf avoids the allocation of a string for the kinds that this program knows.
func kindOf(b []byte) (kind chat.Kind, known bool) {
	for _, k := range [...]chat.Kind{
		chat.KindMessage, chat.KindReaction, chat.KindEdit, chat.KindDelete,
		chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole, chat.KindUpdated, chat.KindCreated,
		chat.KindPin, chat.KindBlock, chat.KindCall,
	} {
		if string(b) == string(k) {
			return k, true
		}
	}
	return chat.Kind(b), false
}

// parseTime reads the fixed form 2006-01-02T15:04:05.000Z.
func parseTime(b []byte) time.Time {
	num := func(from, to int) int {
		n := 0
		for _, c := range b[from:to] {
			n = n*10 + int(c-'0')
		}
		return n
	}
	return time.Date(num(0, 4), time.Month(num(5, 7)), num(8, 10),
		num(11, 13), num(14, 16), num(17, 19), num(20, 23)*int(time.Millisecond), time.UTC)
}

func peekSlow(data []byte) peeked {
	e, err := chat.DecodeEntry(data)
	if err != nil {
		return peeked{}
	}
	_, known := kindOf([]byte(e.Kind))
	return peeked{kind: e.Kind, known: known, at: e.At.Std()}
}
