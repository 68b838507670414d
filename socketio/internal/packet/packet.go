// Package packet reads and writes the packets of the Socket.IO protocol, revision 5.
// It hides the text encoding and refuses what the protocol does not allow, so that the
// layers above see only well-formed packets.
package packet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Type is the first character of a packet.
type Type byte

// The packet types of Socket.IO protocol 5.
const (
	Connect      Type = '0'
	Disconnect   Type = '1'
	Event        Type = '2'
	Ack          Type = '3'
	ConnectError Type = '4'
	BinaryEvent  Type = '5'
	BinaryAck    Type = '6'
)

const (
	// MaxAttachments bounds the binary attachments of one packet.
	MaxAttachments = 10
	// MaxNamespace bounds a namespace's name, in bytes.
	MaxNamespace = 256
	// MaxID is the largest acknowledgement id: what JavaScript counts exactly.
	MaxID = 1<<53 - 1
)

// Packet is one decoded packet. Data points into what was decoded; it is empty, or
// valid JSON of the kind the type asks for.
type Packet struct {
	Type        Type
	Namespace   string // "/" when none was given
	ID          uint64
	HasID       bool
	Attachments int // for the binary types: how many binary messages follow
	Data        []byte
}

// The ways a packet can be wrong.
var (
	ErrType        = errors.New("unknown packet type")
	ErrAttachments = errors.New("illegal attachments")
	ErrNamespace   = errors.New("illegal namespace")
	ErrID          = errors.New("illegal acknowledgement id")
	ErrPayload     = errors.New("illegal payload")
	ErrTooBig      = errors.New("attachments too large")
)

// Parse decodes the text of a packet.
func Parse(b []byte) (Packet, error) {
	p := Packet{Namespace: "/"}
	if len(b) == 0 || b[0] < byte(Connect) || b[0] > byte(BinaryAck) {
		return p, ErrType
	}
	p.Type, b = Type(b[0]), b[1:]
	var err error
	if p.Type == BinaryEvent || p.Type == BinaryAck {
		if p.Attachments, b, err = attachments(b); err != nil {
			return p, err
		}
	}
	if len(b) > 0 && b[0] == '/' {
		if p.Namespace, b, err = namespace(b); err != nil {
			return p, err
		}
	}
	if len(b) > 0 && (b[0] >= '0' && b[0] <= '9' || b[0] == '-') {
		if p.ID, b, err = number(b); err != nil {
			return p, err
		}
		p.HasID = true
	}
	p.Data = b
	return p, p.check()
}

func attachments(b []byte) (int, []byte, error) {
	for i, c := range b {
		switch {
		case c == '-' && i > 0:
			n, err := strconv.Atoi(string(b[:i]))
			if err != nil || n > MaxAttachments {
				return 0, nil, ErrAttachments
			}
			return n, b[i+1:], nil
		case c < '0' || c > '9' || i > 2:
			return 0, nil, ErrAttachments
		}
	}
	return 0, nil, ErrAttachments
}

func namespace(b []byte) (string, []byte, error) {
	for i, c := range b {
		if c == ',' {
			return string(b[:i]), b[i+1:], nil
		}
		if i >= MaxNamespace {
			return "", nil, ErrNamespace
		}
	}
	return string(b), nil, nil
}

func number(b []byte) (uint64, []byte, error) {
	i := 0
	var n uint64
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + uint64(b[i]-'0')
		if n > MaxID {
			return 0, nil, ErrID
		}
	}
	if i == 0 {
		return 0, nil, ErrID
	}
	return n, b[i:], nil
}

// check compares the parts with what the type allows.
func (p *Packet) check() error {
	switch p.Type {
	case Connect:
		if p.HasID || len(p.Data) > 0 && !validObject(p.Data) {
			return ErrPayload
		}
	case Disconnect:
		if p.HasID || len(p.Data) > 0 {
			return ErrPayload
		}
	case ConnectError:
		if p.HasID || !validObject(p.Data) {
			return ErrPayload
		}
	case Ack, BinaryAck:
		if !p.HasID {
			return ErrID
		}
		fallthrough
	case Event, BinaryEvent:
		if len(p.Data) == 0 || p.Data[0] != '[' {
			return ErrPayload
		}
	}
	return nil
}

// reserved names cannot be sent as events (Socket.IO protocol, "reserved events").
func reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "error":
		return true
	}
	return false
}

// SplitEvent takes the payload of an event apart and checks it.
func SplitEvent(data []byte) (event string, args []json.RawMessage, err error) {
	all, err := Split(data)
	if err != nil {
		return "", nil, err
	}
	if len(all) == 0 {
		return "", nil, ErrPayload
	}
	name := all[0]
	switch {
	case name[0] == '"':
		if event, err = unquote(name); err != nil {
			return "", nil, ErrPayload
		}
	case name[0] == '-' || name[0] >= '0' && name[0] <= '9':
		event = string(name)
	default:
		return "", nil, ErrPayload
	}
	if reserved(event) {
		return "", nil, fmt.Errorf("%w: reserved event", ErrPayload)
	}
	return event, all[1:], nil
}

func unquote(raw []byte) (string, error) {
	for _, c := range raw[1 : len(raw)-1] {
		if c == '\\' {
			var s string
			err := json.Unmarshal(raw, &s)
			return s, err
		}
	}
	return string(raw[1 : len(raw)-1]), nil
}

// Header appends everything before the payload.
func Header(dst []byte, t Type, attachments int, namespace string) []byte {
	dst = append(dst, byte(t))
	if t == BinaryEvent || t == BinaryAck {
		dst = strconv.AppendInt(dst, int64(attachments), 10)
		dst = append(dst, '-')
	}
	if namespace != "/" {
		dst = append(dst, namespace...)
		dst = append(dst, ',')
	}
	return dst
}

// Args is the encoded arguments of an event or acknowledgement: the elements of the
// JSON array, separated by commas, and the binary attachments its placeholders name.
type Args struct {
	JSON        []byte
	Attachments [][]byte
}

// EncodeArgs encodes arguments: json.RawMessage as it stands (it must be valid), []byte
// as a binary attachment, anything else with encoding/json.
func EncodeArgs(args []any) (Args, error) {
	var out Args
	for i, a := range args {
		if i > 0 {
			out.JSON = append(out.JSON, ',')
		}
		switch v := a.(type) {
		case json.RawMessage:
			if len(v) == 0 {
				v = json.RawMessage("null")
			}
			out.JSON = append(out.JSON, v...)
		case []byte:
			out.JSON = append(out.JSON, `{"_placeholder":true,"num":`...)
			out.JSON = strconv.AppendInt(out.JSON, int64(len(out.Attachments)), 10)
			out.JSON = append(out.JSON, '}')
			out.Attachments = append(out.Attachments, v)
		default:
			raw, err := json.Marshal(a)
			if err != nil {
				return Args{}, fmt.Errorf("encode argument %d: %w", i, err)
			}
			out.JSON = append(out.JSON, raw...)
		}
	}
	return out, nil
}

// Head is what an event packet begins with besides its type.
type Head struct {
	Namespace string
	ID        uint64 // of the acknowledgement wanted
	HasID     bool
}

// AppendEvent appends an event packet's text.
func AppendEvent(dst []byte, head Head, event string, args Args) []byte {
	t := Event
	if len(args.Attachments) > 0 {
		t = BinaryEvent
	}
	dst = Header(dst, t, len(args.Attachments), head.Namespace)
	if head.HasID {
		dst = strconv.AppendUint(dst, head.ID, 10)
	}
	dst = append(dst, '[')
	dst = appendString(dst, event)
	if len(args.JSON) > 0 {
		dst = append(dst, ',')
		dst = append(dst, args.JSON...)
	}
	return append(dst, ']')
}

// AppendAck appends an acknowledgement packet's text.
func AppendAck(dst []byte, namespace string, id uint64, args Args) []byte {
	t := Ack
	if len(args.Attachments) > 0 {
		t = BinaryAck
	}
	dst = Header(dst, t, len(args.Attachments), namespace)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, '[')
	dst = append(dst, args.JSON...)
	return append(dst, ']')
}

// appendString appends s as a JSON string; plain names take the short way.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			raw, err := json.Marshal(s)
			if err != nil {
				panic(fmt.Sprintf("marshal string: %v", err)) // strings always marshal
			}
			return append(dst, raw...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// Placeholder returns the number of the attachment a JSON value stands for.
func Placeholder(raw json.RawMessage) (int, bool) {
	var p struct {
		Placeholder bool `json:"_placeholder"`
		Num         *int `json:"num"`
	}
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &p) != nil || !p.Placeholder || p.Num == nil {
		return 0, false
	}
	return *p.Num, true
}
