package redis

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// A message on a channel is a header (version, origin) and then events, or
// outcomes on the channel of a node. All lengths are unsigned varints. The data of
// an event is passed through as it is: it was encoded once, where it was made.
const (
	messageVersion = 1
	headerBytes    = 9
	// maxMessage bounds a message that several events share; one event alone may be larger.
	maxMessage = 128 << 10

	flagFrom     = 1 << 0
	flagRepeated = 1 << 0
	flagEntry    = 1 << 1
	flagError    = 1 << 2
	// What this program knows: a flag of a newer one means that more follows, nobody knows how much.
	eventFlags   = flagFrom
	outcomeFlags = flagRepeated | flagEntry | flagError
)

var errMessage = errors.New("not a message of this version")

func appendHeader(b []byte, origin uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, messageVersion), origin)
}

func readHeader(text string) (origin uint64, body []byte, err error) {
	if len(text) < headerBytes || text[0] != messageVersion {
		return 0, nil, errMessage
	}
	body = []byte(text)
	return binary.BigEndian.Uint64(body[1:]), body[headerBytes:], nil
}

func appendEvent(b []byte, e *chat.Event) []byte {
	flags := byte(0)
	if !e.From.IsZero() {
		flags = flagFrom
	}
	b = append(b, byte(e.Kind), flags)
	b = binary.AppendUvarint(b, uint64(max(0, e.Seq)))
	if flags&flagFrom != 0 {
		b = append(b, e.From[:]...)
	}
	return appendBytes(b, e.Data)
}

func appendBytes(b, data []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(data))), data...)
}

// input reads a message from its beginning; after a fault it gives zeros.
type input struct {
	rest []byte
	err  error
}

func (in *input) take(n uint64) []byte {
	if in.err != nil || n > uint64(len(in.rest)) {
		in.err = errMessage
		return nil
	}
	out := in.rest[:n:n]
	in.rest = in.rest[n:]
	return out
}

func (in *input) byte() byte {
	if b := in.take(1); b != nil {
		return b[0]
	}
	return 0
}

// flags reads flags, all of which have to be known.
func (in *input) flags(known byte) byte {
	b := in.byte()
	if b&^known != 0 {
		in.err = errMessage
	}
	return b
}

func (in *input) uvarint() uint64 {
	v, n := binary.Uvarint(in.rest)
	if n <= 0 {
		in.err = errMessage
		return 0
	}
	in.rest = in.rest[n:]
	return v
}

func (in *input) bytes() []byte {
	if n := in.uvarint(); n > 0 {
		return in.take(n)
	}
	return nil
}

// readEvents reads the events of a message on a topic's channel. With an error it gives
// those before the fault.
func readEvents(topic chat.Topic, body []byte) ([]chat.Event, error) {
	in := &input{rest: body}
	var out []chat.Event
	for len(in.rest) > 0 && in.err == nil {
		e := chat.Event{Topic: topic, Kind: chat.EventKind(in.byte())}
		flags := in.flags(eventFlags)
		e.Seq = chat.Seq(in.uvarint() & (1<<63 - 1))
		if flags&flagFrom != 0 {
			copy(e.From[:], in.take(uint64(len(e.From))))
		}
		e.Data = in.bytes()
		if in.err == nil {
			out = append(out, e)
		}
	}
	return out, in.err
}

// refusal is the part of chat.Error that its own JSON leaves to the edge.
type refusal struct {
	*chat.Error
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`
}

func appendOutcome(b []byte, o *chat.Outcome) ([]byte, error) {
	flags := byte(0)
	if o.Repeated {
		flags |= flagRepeated
	}
	if o.Entry != nil {
		flags |= flagEntry
	}
	if o.Err != nil {
		flags |= flagError
	}
	b = append(append(b, o.RecordID[:]...), flags)
	if o.Entry != nil {
		b = appendBytes(b, o.JSON)
	}
	if o.Err != nil {
		text, err := json.Marshal(refusal{o.Err, o.Err.RetryAfter})
		if err != nil {
			return nil, fmt.Errorf("encode refusal: %w", err)
		}
		b = appendBytes(b, text)
	}
	return b, nil
}

// readOutcomes reads the outcomes of a message on a node's channel. With an error it
// gives those before the fault.
func readOutcomes(node string, body []byte) ([]chat.Outcome, error) {
	in := &input{rest: body}
	var out []chat.Outcome
	for len(in.rest) > 0 {
		o := chat.Outcome{Node: node}
		copy(o.RecordID[:], in.take(uint64(len(o.RecordID))))
		flags := in.flags(outcomeFlags)
		o.Repeated = flags&flagRepeated != 0
		if flags&flagEntry != 0 {
			o.JSON = in.bytes()
		}
		var text []byte
		if flags&flagError != 0 {
			text = in.bytes()
		}
		if in.err != nil {
			return out, in.err
		}
		if o.JSON != nil {
			e, err := chat.DecodeEntry(o.JSON)
			if err != nil {
				return out, fmt.Errorf("outcome: %w", err)
			}
			o.Entry = e
		}
		if text != nil {
			r := refusal{Error: new(chat.Error)}
			if err := json.Unmarshal(text, &r); err != nil {
				return out, fmt.Errorf("outcome: %w", err)
			}
			r.Error.RetryAfter = r.RetryAfter
			o.Err = r.Error
		}
		out = append(out, o)
	}
	return out, nil
}
