package socketio

import (
	"encoding/json"
	"fmt"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/packet"
)

// A Frame is an event encoded once, for any number of sockets of one namespace and for
// every transport. It is immutable and safe to share.
type Frame struct {
	engine    *engineio.Frame
	namespace string
}

// NewFrame encodes an event for the namespace "/". Arguments: a json.RawMessage is used
// as it stands (it must be valid JSON), a []byte becomes a binary attachment, anything
// else goes through encoding/json.
func NewFrame(event string, args ...any) (*Frame, error) { return newFrame("/", event, args) }

// NewFrame encodes an event for this namespace; see the function NewFrame.
func (ns *Namespace) NewFrame(event string, args ...any) (*Frame, error) {
	return newFrame(ns.name, event, args)
}

// JoinFrames makes one frame of several of the same namespace: they arrive one after
// the other with nothing in between, and cost one write. It panics without frames and
// where the namespaces differ, which are programming errors.
func JoinFrames(frames ...*Frame) *Frame {
	joined := &Frame{namespace: frames[0].namespace}
	engine := make([]*engineio.Frame, len(frames))
	for i, f := range frames {
		if f.namespace != joined.namespace {
			panic("socketio: frames of different namespaces joined")
		}
		engine[i] = f.engine
	}
	joined.engine = engineio.JoinFrames(engine...)
	return joined
}

// Len is the frame's size on a WebSocket, in bytes.
func (f *Frame) Len() int { return f.engine.Len() }

func newFrame(namespace, event string, args []any) (*Frame, error) {
	encoded, err := encodeArgs(args)
	if err != nil {
		return nil, fmt.Errorf("encode event %q: %w", event, err)
	}
	return eventFrame(packet.Head{Namespace: namespace}, event, encoded), nil
}

func eventFrame(head packet.Head, event string, args packet.Args) *Frame {
	size := len(head.Namespace) + len(event) + len(args.JSON) + 32
	text := packet.AppendEvent(make([]byte, 0, size), head, event, args)
	return &Frame{engine: engineio.NewFrameWith(text, args.Attachments...), namespace: head.Namespace}
}

func ackFrame(namespace string, id uint64, args packet.Args) *Frame {
	text := packet.AppendAck(make([]byte, 0, len(namespace)+len(args.JSON)+32), namespace, id, args)
	return &Frame{engine: engineio.NewFrameWith(text, args.Attachments...), namespace: namespace}
}

func controlFrame(t packet.Type, namespace string, data []byte) *Frame {
	text := append(packet.Header(nil, t, 0, namespace), data...)
	return &Frame{engine: engineio.NewFrame(text), namespace: namespace}
}

// encodeArgs encodes arguments; a Message passes on what it was made of.
func encodeArgs(args []any) (packet.Args, error) {
	if len(args) == 1 {
		if m, ok := args[0].(Message); ok {
			return m.encode()
		}
	}
	return packet.EncodeArgs(args)
}

// A Message is the undecoded content of an event or acknowledgement. Passed as the only
// argument to a function that sends, it is sent as it is.
type Message struct {
	// Args are the arguments in JSON. A binary argument is a placeholder, see Binary.
	Args []json.RawMessage
	// Attachments are the binary parts the placeholders name.
	Attachments [][]byte
}

// Binary returns the binary value of argument i, false when it is not one.
func (m Message) Binary(i int) ([]byte, bool) {
	if i < 0 || i >= len(m.Args) {
		return nil, false
	}
	return m.Attachment(m.Args[i])
}

// Attachment returns what a placeholder found anywhere inside an argument stands for.
func (m Message) Attachment(placeholder json.RawMessage) ([]byte, bool) {
	n, ok := packet.Placeholder(placeholder)
	if !ok || n < 0 || n >= len(m.Attachments) {
		return nil, false
	}
	return m.Attachments[n], true
}

func (m Message) encode() (packet.Args, error) {
	out := packet.Args{Attachments: m.Attachments}
	if len(m.Attachments) > packet.MaxAttachments {
		return out, fmt.Errorf("encode message: %w", packet.ErrAttachments)
	}
	for i, a := range m.Args {
		if i > 0 {
			out.JSON = append(out.JSON, ',')
		}
		out.JSON = append(out.JSON, a...)
	}
	return out, nil
}
