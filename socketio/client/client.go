// Package client is a small Socket.IO client for tests, bots and load generators:
// connect with auth, emit, emit with acknowledgement, receive events, close. It hides
// packets, framing and transports: WebSocket, polling, or one after the other.
// Reconnecting is left to the caller. Over WebSocket a client costs one goroutine and a
// few kilobytes, so that ten thousand fit into a process.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/parley-chat/parley/socketio/internal/packet"
	"github.com/parley-chat/parley/socketio/internal/ws"
)

// ErrClosed is returned once the connection is gone.
var ErrClosed = errors.New("socket.io client: connection closed")

// A ConnectError says that the server refused the namespace.
type ConnectError struct {
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Error implements error.
func (e *ConnectError) Error() string { return "socket.io client: refused: " + e.Message }

// A CloseError says how the server ended the connection.
type CloseError struct {
	Code   int // WebSocket status code; 1005 when there was none
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	return fmt.Sprintf("socket.io client: closed by server: %d %s", e.Code, e.Reason)
}

// A Message is the content of an event or acknowledgement.
type Message struct {
	Args        []json.RawMessage
	Attachments [][]byte // what {"_placeholder":true,"num":n} in Args stands for
}

// A Transport is how packets travel.
type Transport int

// The transports.
const (
	WebSocket Transport = iota // from the first byte
	Polling                    // long polling over HTTP
	Upgrade                    // polling first, WebSocket as soon as it can be had
)

// Options are a client's settings. Every callback runs on the client's goroutine, one at
// a time, in the order of arrival.
type Options struct {
	// Namespace defaults to "/".
	Namespace string
	// Transport defaults to WebSocket.
	Transport Transport
	// Auth is sent with CONNECT, encoded with encoding/json; it must become an object.
	Auth any
	// Header is added to the upgrade request.
	Header http.Header
	// Path defaults to "/socket.io/".
	Path string
	// Dial opens the network connection. Default: net.Dialer, with TLS for https and wss.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// MaxPayload bounds a message of the server, in bytes. Default 16 MiB.
	MaxPayload int
	// OnEvent takes events. ack answers them, once; it does nothing when no answer is
	// wanted.
	OnEvent func(event string, m Message, ack func(args ...any) error)
	// OnPacket, when set, sees the text of every Socket.IO packet before it is decoded;
	// data is valid only during the call. True means that the packet has been dealt
	// with. Load generators use it to count without decoding.
	OnPacket func(data []byte) bool
	// OnClose is called once, last, with what ended the connection: a *CloseError, an
	// error of the network, or nil after Close.
	OnClose func(err error)
}

// A Client is one connection in one namespace. It is safe for concurrent use.
type Client struct {
	nc   net.Conn // of the WebSocket; nil while polling
	poll *poller  // nil without polling
	opt  Options
	done chan struct{}

	ready chan error // the server's answer to CONNECT; taken once

	mu      sync.Mutex
	sid     string
	closed  bool
	closing bool // by us
	nextAck uint64
	acks    map[uint64]func(Message, error)

	writeMu sync.Mutex

	// Owned by the reading goroutine.
	reader   *ws.Reader
	assembly packet.Assembly
}

// ID is the socket's id as the server told it.
func (c *Client) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sid
}

// Done is closed when the connection is gone and OnClose has returned.
func (c *Client) Done() <-chan struct{} { return c.done }

// Emit sends an event. Arguments: json.RawMessage as it stands, []byte as a binary
// attachment, anything else through encoding/json. It may wait for the network.
func (c *Client) Emit(event string, args ...any) error {
	return c.emit(0, false, event, args)
}

// EmitAck sends an event and calls done once: with the server's answer, or with ErrClosed.
func (c *Client) EmitAck(event string, done func(Message, error), args ...any) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	id := c.nextAck
	c.nextAck++
	if c.acks == nil {
		c.acks = make(map[uint64]func(Message, error))
	}
	c.acks[id] = done
	c.mu.Unlock()
	if err := c.emit(id, true, event, args); err != nil {
		if c.takeAck(id) == nil {
			return nil // done has been called
		}
		return err
	}
	return nil
}

// Call is EmitAck for a goroutine that waits for the answer. It must not be used in a
// callback.
func (c *Client) Call(ctx context.Context, event string, args ...any) (Message, error) {
	type answer struct {
		m   Message
		err error
	}
	ch := make(chan answer, 1)
	if err := c.EmitAck(event, func(m Message, err error) { ch <- answer{m, err} }, args...); err != nil {
		return Message{}, err
	}
	select {
	case a := <-ch:
		return a.m, a.err
	case <-ctx.Done():
		return Message{}, fmt.Errorf("await acknowledgement of %q: %w", event, ctx.Err())
	}
}

// Close says goodbye and waits until the connection is gone. Unless it is called in a
// callback, OnClose has returned when it returns.
func (c *Client) Close() error {
	c.mu.Lock()
	already := c.closing
	c.closing = true
	c.mu.Unlock()
	if already {
		return nil
	}
	if c.poll != nil {
		c.poll.close(true)
		return nil
	}
	err := c.write(ws.AppendMasked(nil, ws.OpClose, []byte{0x03, 0xE8}, mask()))
	if cerr := c.nc.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Drop ends the network connection without a word, as a crash or a dead network does.
func (c *Client) Drop() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	if c.poll != nil {
		c.poll.close(false)
		return nil
	}
	if err := c.nc.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("drop connection: %w", err)
	}
	return nil
}

func (c *Client) emit(id uint64, hasID bool, event string, args []any) error {
	encoded, err := packet.EncodeArgs(args)
	if err != nil {
		return fmt.Errorf("encode event %q: %w", event, err)
	}
	text := packet.AppendEvent([]byte{'4'}, packet.Head{Namespace: c.opt.Namespace, ID: id, HasID: hasID}, event, encoded)
	return c.sendPacket(text, encoded.Attachments)
}

// sendPacket writes a packet and its attachments as one piece.
func (c *Client) sendPacket(text []byte, attachments [][]byte) error {
	if c.poll != nil {
		return c.poll.send(text, attachments)
	}
	return c.writeSocket(text, attachments)
}

// writeSocket writes a packet and its attachments to the WebSocket.
func (c *Client) writeSocket(text []byte, attachments [][]byte) error {
	out := ws.AppendMasked(make([]byte, 0, len(text)+14), ws.OpText, text, mask())
	for _, a := range attachments {
		out = ws.AppendMasked(out, ws.OpBinary, a, mask())
	}
	if err := c.write(out); err != nil {
		if errors.Is(err, net.ErrClosed) {
			return ErrClosed
		}
		return fmt.Errorf("send packet: %w", err)
	}
	return nil
}

func (c *Client) write(b []byte) error {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	_, err := c.nc.Write(b)
	return err
}

func mask() (key [4]byte) {
	_, _ = rand.Read(key[:]) // documented never to fail
	return key
}

func (c *Client) takeAck(id uint64) func(Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.acks[id]
	delete(c.acks, id)
	return f
}

// Message implements ws.Sink.
func (c *Client) Message(op ws.Opcode, payload []byte) error {
	if op == ws.OpBinary {
		return c.assembled(c.assembly.Add(payload, c.opt.MaxPayload))
	}
	if len(payload) == 0 {
		return errors.New("empty packet")
	}
	switch payload[0] {
	case '2':
		if err := c.sendPacket([]byte{'3'}, nil); err != nil {
			return fmt.Errorf("send pong: %w", err)
		}
	case '1':
		return &CloseError{Code: ws.CodeNormal, Reason: "close packet"}
	case '4':
		return c.packet(payload[1:])
	}
	return nil
}

// Control implements ws.Sink.
func (c *Client) Control(op ws.Opcode, payload []byte) error {
	switch op {
	case ws.OpPing:
		if err := c.write(ws.AppendMasked(nil, ws.OpPong, payload, mask())); err != nil {
			return fmt.Errorf("send pong: %w", err)
		}
	case ws.OpClose:
		code, reason := ws.CloseCode(payload)
		_ = c.write(ws.AppendMasked(nil, ws.OpClose, payload[:min(2, len(payload))], mask())) // it is over anyway
		return &CloseError{Code: code, Reason: reason}
	case ws.OpPong, ws.OpContinuation, ws.OpText, ws.OpBinary:
	}
	return nil
}

// packet handles the text of a Socket.IO packet.
func (c *Client) packet(data []byte) error {
	if c.opt.OnPacket != nil && c.opt.OnPacket(data) {
		return nil
	}
	p, err := packet.Parse(data)
	if err != nil {
		return fmt.Errorf("packet of server: %w", err)
	}
	if p.Namespace != c.opt.Namespace {
		return nil
	}
	p.Data = bytes.Clone(p.Data)
	return c.assembled(c.assembly.Begin(p))
}

// assembled handles a packet once it is complete.
func (c *Client) assembled(complete bool, err error) error {
	if err != nil || !complete {
		return err
	}
	return c.handle(c.assembly.Take())
}

func (c *Client) handle(p packet.Packet, attachments [][]byte) error {
	switch p.Type {
	case packet.Connect:
		return c.accepted(p.Data)
	case packet.ConnectError:
		e := &ConnectError{}
		if err := json.Unmarshal(p.Data, e); err != nil {
			return fmt.Errorf("refusal of server: %w", err)
		}
		return e
	case packet.Disconnect:
		return &CloseError{Code: ws.CodeNormal, Reason: "disconnected by server"}
	case packet.Event, packet.BinaryEvent:
		return c.event(p, attachments)
	case packet.Ack, packet.BinaryAck:
		args, err := packet.Split(p.Data)
		if err != nil {
			return fmt.Errorf("acknowledgement of server: %w", err)
		}
		if f := c.takeAck(p.ID); f != nil {
			f(Message{args, attachments}, nil)
		}
	}
	return nil
}

func (c *Client) accepted(data []byte) error {
	var hello struct {
		SID string `json:"sid"`
	}
	if err := json.Unmarshal(data, &hello); err != nil {
		return fmt.Errorf("acceptance of server: %w", err)
	}
	c.mu.Lock()
	c.sid = hello.SID
	c.mu.Unlock()
	select {
	case c.ready <- nil:
	default: // the server repeats itself
	}
	return nil
}

func (c *Client) event(p packet.Packet, attachments [][]byte) error {
	if c.opt.OnEvent == nil {
		return nil
	}
	event, args, err := packet.SplitEvent(p.Data)
	if err != nil {
		return fmt.Errorf("event of server: %w", err)
	}
	c.opt.OnEvent(event, Message{args, attachments}, func(answer ...any) error {
		if !p.HasID {
			return nil
		}
		encoded, err := packet.EncodeArgs(answer)
		if err != nil {
			return fmt.Errorf("encode acknowledgement: %w", err)
		}
		return c.sendPacket(packet.AppendAck([]byte{'4'}, c.opt.Namespace, p.ID, encoded), encoded.Attachments)
	})
	return nil
}
