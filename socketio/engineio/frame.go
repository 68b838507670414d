package engineio

import (
	"encoding/base64"

	"github.com/parley-chat/parley/socketio/internal/ws"
)

// A Frame is a message encoded once for every connection it will be sent to: the
// bytes are those of the WebSocket frames, and the long-polling form is cut from the
// same bytes. It is immutable and safe to share. A Frame may hold several packets
// that must follow each other (a Socket.IO packet and its attachments).
type Frame struct {
	wire  []byte
	parts []part // nil for one text packet, whose payload starts at head
	head  int
}

// part is one packet inside Frame.wire.
type part struct {
	from, to int
	binary   bool
}

// NewFrame encodes a text message; text must be UTF-8.
func NewFrame(text []byte) *Frame {
	return newText(packetMessage, text)
}

// NewFrameWith encodes a text message and the binary messages that belong to it.
func NewFrameWith(text []byte, attachments ...[]byte) *Frame {
	if len(attachments) == 0 {
		return NewFrame(text)
	}
	size := len(text) + 16
	for _, a := range attachments {
		size += len(a) + 10
	}
	f := &Frame{wire: make([]byte, 0, size)}
	f.addText(packetMessage, text)
	for _, a := range attachments {
		f.addBinary(a)
	}
	return f
}

// NewBinaryFrame encodes one binary message.
func NewBinaryFrame(data []byte) *Frame {
	f := &Frame{wire: make([]byte, 0, len(data)+10)}
	f.addBinary(data)
	return f
}

// JoinFrames makes one frame of several: their packets follow each other on every
// connection with nothing in between, and cost one write.
func JoinFrames(frames ...*Frame) *Frame {
	size, packets := 0, 0
	for _, f := range frames {
		size += len(f.wire)
		packets += max(len(f.parts), 1)
	}
	joined := &Frame{wire: make([]byte, 0, size), parts: make([]part, 0, packets)}
	for _, f := range frames {
		at := len(joined.wire)
		joined.wire = append(joined.wire, f.wire...)
		if f.parts == nil {
			joined.parts = append(joined.parts, part{from: at + f.head, to: len(joined.wire)})
		}
		for _, p := range f.parts {
			joined.parts = append(joined.parts, part{from: at + p.from, to: at + p.to, binary: p.binary})
		}
	}
	return joined
}

// Len is the number of bytes on a WebSocket.
func (f *Frame) Len() int { return len(f.wire) }

func newText(t packetType, text []byte) *Frame {
	wire := ws.AppendHeader(make([]byte, 0, len(text)+11), ws.OpText, len(text)+1)
	head := len(wire)
	return &Frame{wire: append(append(wire, byte(t)), text...), head: head}
}

func (f *Frame) addText(t packetType, text []byte) {
	f.wire = ws.AppendHeader(f.wire, ws.OpText, len(text)+1)
	from := len(f.wire)
	f.wire = append(append(f.wire, byte(t)), text...)
	f.parts = append(f.parts, part{from: from, to: len(f.wire)})
}

func (f *Frame) addBinary(data []byte) {
	f.wire = ws.AppendHeader(f.wire, ws.OpBinary, len(data))
	from := len(f.wire)
	f.wire = append(f.wire, data...)
	f.parts = append(f.parts, part{from: from, to: len(f.wire), binary: true})
}

// appendPayload appends the frame's packets in their long-polling form
// (Engine.IO protocol, "HTTP long-polling: Packet encoding").
func (f *Frame) appendPayload(dst []byte) []byte {
	if f.parts == nil {
		return append(separate(dst), f.wire[f.head:]...)
	}
	for _, p := range f.parts {
		dst = separate(dst)
		if p.binary {
			dst = append(dst, 'b')
			dst = base64.StdEncoding.AppendEncode(dst, f.wire[p.from:p.to])
			continue
		}
		dst = append(dst, f.wire[p.from:p.to]...)
	}
	return dst
}

func separate(dst []byte) []byte {
	if len(dst) > 0 {
		return append(dst, separator)
	}
	return dst
}
