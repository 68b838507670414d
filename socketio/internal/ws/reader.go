package ws

import (
	"encoding/binary"
	"unicode/utf8"
)

// Limits bounds what a Reader accepts.
type Limits struct {
	// MaxMessage is the largest message, in bytes, fragments added up.
	MaxMessage int
	// Masked says whether frames must be masked (a server reading) or must not be
	// (a client reading).
	Masked bool
}

// A Sink takes what a stream contains. The payload is valid only during the call
// and may be changed by it. A returned error ends the reading and is passed on.
type Sink interface {
	// Message takes a whole text (UTF-8 checked) or binary message.
	Message(op Opcode, payload []byte) error
	// Control takes a ping, pong or close frame. A close frame has been checked:
	// it is empty, or a legal code and a UTF-8 reason.
	Control(op Opcode, payload []byte) error
}

// A Reader holds what is left of a byte stream between two reads: the bytes of an
// unfinished frame and the fragments of an unfinished message. Nothing is
// allocated from a declared length, only from bytes that have arrived.
type Reader struct {
	frame   []byte // an unfinished frame, from its first byte
	message []byte // fragments of an unfinished message
	op      Opcode // its opcode; OpContinuation when there is none
}

// Buffered is the number of bytes held back.
func (r *Reader) Buffered() int {
	if r == nil {
		return 0
	}
	return len(r.frame) + len(r.message)
}

// Feed takes the next bytes of the stream, hands whole messages to sink and
// returns the Reader to use for the next call: nil when nothing is unfinished, so
// that an idle stream holds no buffer. r may be nil. data is changed (unmasked).
// After an error the stream cannot be read further.
func (r *Reader) Feed(data []byte, lim Limits, sink Sink) (*Reader, error) {
	if r != nil && len(r.frame) > 0 {
		r.frame = append(r.frame, data...)
		data = r.frame
	}
	for len(data) > 0 {
		h, ok, err := parseHeader(data, lim)
		if err != nil {
			return r, err
		}
		if !ok || len(data)-h.size < h.length {
			break
		}
		payload := data[h.size : h.size+h.length]
		if lim.Masked {
			Mask(payload, h.key)
		}
		data = data[h.size+h.length:]
		if r, err = r.take(h, payload, lim, sink); err != nil {
			return r, err
		}
	}
	return r.keep(data), nil
}

// keep holds back the bytes of an unfinished frame and drops what is not needed.
func (r *Reader) keep(rest []byte) *Reader {
	if len(rest) == 0 {
		if r == nil || r.op == OpContinuation {
			return nil
		}
		r.frame = nil
		return r
	}
	if r == nil {
		r = &Reader{}
	}
	if len(r.frame) > 0 && &rest[0] == &r.frame[0] {
		return r
	}
	r.frame = append(make([]byte, 0, max(2*len(rest), 64)), rest...)
	return r
}

type header struct {
	op     Opcode
	fin    bool
	length int
	key    [4]byte
	size   int
}

// parseHeader reads a frame header; ok is false while it is incomplete. What can be
// refused from the first two bytes is refused from them.
func parseHeader(b []byte, lim Limits) (h header, ok bool, err error) {
	if len(b) < 2 {
		return h, false, nil
	}
	h.fin, h.op = b[0]&finBit != 0, Opcode(b[0]&0x0F)
	short := int(b[1] &^ maskBit)
	switch {
	case b[0]&rsvBits != 0:
		return h, false, breach("reserved bit set")
	case h.op > OpBinary && h.op < OpClose || h.op > OpPong:
		return h, false, breach("unknown opcode")
	case (b[1]&maskBit != 0) != lim.Masked:
		if lim.Masked {
			return h, false, breach("frame not masked")
		}
		return h, false, breach("frame masked")
	case h.op >= OpClose && !h.fin:
		return h, false, breach("fragmented control frame")
	case h.op >= OpClose && short > MaxControl:
		return h, false, breach("control frame too long")
	}
	h.size = 2
	switch short {
	case 126:
		h.size = 4
		if len(b) < h.size {
			return h, false, nil
		}
		short = int(binary.BigEndian.Uint16(b[2:]))
		if short < 126 {
			return h, false, breach("length not minimal")
		}
	case 127:
		h.size = 10
		if len(b) < h.size {
			return h, false, nil
		}
		long := binary.BigEndian.Uint64(b[2:])
		switch {
		case long>>63 != 0:
			return h, false, breach("length out of range")
		case long <= 0xFFFF:
			return h, false, breach("length not minimal")
		case long > uint64(lim.MaxMessage): //nolint:gosec // a limit is never negative
			return h, false, tooBig()
		}
		short = int(long)
	}
	h.length = short
	if h.op < OpClose && h.length > lim.MaxMessage {
		return h, false, tooBig()
	}
	if lim.Masked {
		h.size += 4
		if len(b) < h.size {
			return h, false, nil
		}
		copy(h.key[:], b[h.size-4:])
	}
	return h, true, nil
}

func tooBig() error {
	return &ProtocolError{Code: CodeTooBig, Reason: "message too big"}
}

// take handles one whole, unmasked frame.
func (r *Reader) take(h header, payload []byte, lim Limits, sink Sink) (*Reader, error) {
	if h.op >= OpClose {
		if h.op == OpClose {
			if err := checkClose(payload); err != nil {
				return r, err
			}
		}
		return r, sink.Control(h.op, payload)
	}
	inMessage := r != nil && r.op != OpContinuation
	switch {
	case h.op == OpContinuation && !inMessage:
		return r, breach("continuation of nothing")
	case h.op != OpContinuation && inMessage:
		return r, breach("new message inside a fragmented one")
	case h.fin && !inMessage:
		return r, deliver(h.op, payload, sink)
	}
	if r == nil {
		r = &Reader{}
	}
	if !inMessage {
		r.op = h.op
	}
	if len(r.message)+len(payload) > lim.MaxMessage {
		return r, tooBig()
	}
	r.message = append(r.message, payload...)
	if !h.fin {
		return r, nil
	}
	op, message := r.op, r.message
	r.op, r.message = OpContinuation, nil
	return r, deliver(op, message, sink)
}

func deliver(op Opcode, payload []byte, sink Sink) error {
	if op == OpText && !utf8.Valid(payload) {
		return &ProtocolError{Code: CodeInvalidPayload, Reason: "text is not UTF-8"}
	}
	return sink.Message(op, payload)
}

// checkClose checks the body of a close frame (RFC 6455 sections 5.5.1 and 7.4).
func checkClose(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if len(p) == 1 {
		return breach("close frame of one byte")
	}
	code := int(binary.BigEndian.Uint16(p))
	registered := code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014
	if !registered && (code < 3000 || code > 4999) {
		return breach("close code not allowed")
	}
	if !utf8.Valid(p[2:]) {
		return &ProtocolError{Code: CodeInvalidPayload, Reason: "close reason is not UTF-8"}
	}
	return nil
}

// CloseCode takes a checked close frame's body apart.
func CloseCode(p []byte) (code int, reason string) {
	if len(p) < 2 {
		return CodeNoStatus, ""
	}
	return int(binary.BigEndian.Uint16(p)), string(p[2:])
}
