package socketio

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/packet"
)

type socketState = uint32

const (
	socketConnecting socketState = iota
	socketConnected
	socketClosed
)

// A Socket is a client in one namespace. Its methods are safe for concurrent use.
type Socket struct {
	ns    *Namespace
	peer  *peer
	id    [15]byte
	state atomic.Uint32 // written with mu held

	mu     sync.Mutex
	index  uint32 // place in the namespace's list; guarded by the namespace's mu
	reason Reason // why it was closed while connecting
	rooms  []*room
	data   any
	extra  *extra // what few sockets need
}

// extra holds what a socket needs only now and then.
type extra struct {
	held    []heldFrame // sends during OnConnect
	acks    map[uint64]awaited
	nextAck uint64

	unknownSince int64 // ns
	unknown      int
}

type heldFrame struct {
	frame *Frame
	mode  engineio.Mode
}

// lazy returns s.extra, making it if need be. mu is held.
func (s *Socket) lazy() *extra {
	if s.extra == nil {
		s.extra = &extra{}
	}
	return s.extra
}

// ID is the socket's public id, different from the connection's.
func (s *Socket) ID() string { return base64.RawURLEncoding.EncodeToString(s.id[:]) }

// Namespace is the namespace the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Captured is what EngineOptions.Capture kept of the handshake request.
func (s *Socket) Captured() any { return s.peer.conn.Captured() }

// Transport is how the connection travels at the moment.
func (s *Socket) Transport() Transport { return s.peer.conn.Transport() }

// Connected reports whether the socket has been accepted and not yet closed.
func (s *Socket) Connected() bool { return s.state.Load() == socketConnected }

// SetData keeps a value of the application with the socket.
func (s *Socket) SetData(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = v
}

// Data returns what SetData was given, if it has type T.
func Data[T any](s *Socket) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.data.(T)
	return v, ok
}

// Buffered is what waits to be sent on the socket's connection: bytes and frames.
func (s *Socket) Buffered() (bytes, frames int) { return s.peer.conn.Buffered() }

// Unanswered is how long ago the last ping was due that the client has not answered; zero
// when it has answered all of them. A client that is there answers within a moment; one
// that has vanished is only known to have when EngineOptions.PingTimeout is over.
func (s *Socket) Unanswered() time.Duration { return s.peer.conn.Unanswered() }

// Send hands a frame over without waiting. During OnConnect it is held back until the
// socket has been accepted. ErrClosed when the socket is gone, or goes because too much
// waits for it.
func (s *Socket) Send(f *Frame) error { return s.sendAt(f, 0, s.peer.conn.Now()) }

// SendVolatile is Send for what is not worth waiting: ErrDropped when the client is not
// keeping up.
func (s *Socket) SendVolatile(f *Frame) error {
	return s.sendAt(f, engineio.Volatile, s.peer.conn.Now())
}

// SendMergeable is Send for callers who deliver to many sockets on their own, as room
// sends do: to a socket that was written to within EngineOptions.MergeWindow the frame
// may wait for the window's end, and share a write with others.
func (s *Socket) SendMergeable(f *Frame) error {
	return s.sendAt(f, engineio.Mergeable, s.peer.conn.Now())
}

// Emit sends an event; see NewFrame for the arguments.
func (s *Socket) Emit(event string, args ...any) error {
	f, err := s.ns.NewFrame(event, args...)
	if err != nil {
		return err
	}
	return s.Send(f)
}

func (s *Socket) sendAt(f *Frame, mode engineio.Mode, now int64) error {
	if f.namespace != s.ns.name {
		return fmt.Errorf("socket.io: frame of namespace %q sent to %q", f.namespace, s.ns.name)
	}
	switch s.state.Load() {
	case socketConnected:
		return s.peer.conn.SendAt(f.engine, mode, now)
	case socketConnecting:
		return s.hold(f, mode, now)
	}
	return ErrClosed
}

// hold keeps a frame until the socket has been accepted.
func (s *Socket) hold(f *Frame, mode engineio.Mode, now int64) error {
	s.mu.Lock()
	switch s.state.Load() {
	case socketConnected:
		s.mu.Unlock()
		return s.peer.conn.SendAt(f.engine, mode, now)
	case socketClosed:
		s.mu.Unlock()
		return ErrClosed
	}
	x := s.lazy()
	if len(x.held) < s.ns.srv.heldLimit {
		x.held = append(x.held, heldFrame{f, mode})
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	s.Close(0, ReasonSlowConsumer)
	return ErrClosed
}

// Disconnect takes the socket out of its namespace and tells the client, whose library
// will not reconnect by itself. When it was the connection's last namespace the
// connection is closed as well.
func (s *Socket) Disconnect() { s.DisconnectWith(nil) }

// DisconnectWith is Disconnect after a last event (nil: none): when it was the
// connection's last namespace, nothing that is sent meanwhile comes behind that event.
func (s *Socket) DisconnectWith(last *Frame) {
	if !s.close(ReasonServerDisconnect) {
		return
	}
	p := s.peer
	goodbye := controlFrame(packet.Disconnect, s.ns.name, nil).engine
	if last != nil {
		goodbye = engineio.JoinFrames(last.engine, goodbye)
	}
	if p.leave(s) == 0 {
		p.conn.CloseAfter(goodbye, &CloseError{Reason: ReasonServerClose, Text: string(ReasonServerDisconnect)})
	} else {
		// An error means that the client is gone already.
		_ = p.conn.Send(goodbye, 0)
	}
	p.conn.Later(func() { s.ns.disconnected(s, ReasonServerDisconnect) })
}

// Close closes the whole connection with a WebSocket status code (0 picks one for the
// reason). Client libraries take it for a fault of the network and reconnect.
func (s *Socket) Close(code int, reason Reason) {
	s.peer.conn.Close(&CloseError{Reason: reason, Code: code})
}

// close makes the socket closed and leaves its rooms; it reports whether it was
// connected before. A socket still connecting remembers the reason for later.
func (s *Socket) close(reason Reason) bool {
	s.mu.Lock()
	old := s.state.Load()
	if old == socketClosed {
		s.mu.Unlock()
		return false
	}
	s.state.Store(socketClosed)
	rooms := s.rooms
	s.rooms = nil
	s.reason = reason
	var acks map[uint64]awaited
	if s.extra != nil {
		acks = s.extra.acks
		s.extra = nil
	}
	s.mu.Unlock()
	s.ns.leaveAll(s, rooms)
	s.ns.remove(s)
	for _, a := range acks {
		s.guard("ack", Ack{}, func() { a.done(Message{}, ErrClosed) })
	}
	return old == socketConnected
}

// accept makes a connecting socket connected: the CONNECT packet, then what was held
// back, then everybody else's sends. It returns false when the socket was closed meanwhile.
func (s *Socket) accept() bool {
	now := s.peer.conn.Now()
	s.ns.add(s)
	s.mu.Lock()
	if s.state.Load() != socketConnecting {
		s.mu.Unlock()
		s.ns.remove(s)
		return false
	}
	// Errors of these sends mean that the connection is ending; its Closed follows.
	_ = s.peer.conn.SendAt(controlFrame(packet.Connect, s.ns.name, []byte(`{"sid":"`+s.ID()+`"}`)).engine, 0, now)
	if s.extra != nil {
		for _, h := range s.extra.held {
			_ = s.peer.conn.SendAt(h.frame.engine, h.mode, now) // see above
		}
		s.extra.held = nil
	}
	s.state.Store(socketConnected)
	s.mu.Unlock()
	return true
}

// accepted is Connected for packets: a client may answer its acceptance before accept,
// which holds mu meanwhile, has come to its end.
func (s *Socket) accepted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Load() == socketConnected
}

// tooManyUnknown counts an unknown event.
func (s *Socket) tooManyUnknown() bool {
	now := s.peer.conn.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.lazy()
	if x.unknown == 0 || now-x.unknownSince > int64(time.Minute) {
		x.unknownSince, x.unknown = now, 0
	}
	x.unknown++
	return x.unknown > s.ns.srv.opt.MaxUnknown
}

// guard calls a handler and survives its panic.
func (s *Socket) guard(event string, ack Ack, f func()) {
	srv := s.ns.srv
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		srv.stats.panics.Add(1)
		srv.log.Error("socket.io: handler panicked", "event", event, "panic", v, "stack", string(debug.Stack()))
		if srv.opt.OnPanic == nil {
			return
		}
		defer func() {
			if v := recover(); v != nil {
				srv.log.Error("socket.io: OnPanic panicked", "panic", v)
			}
		}()
		srv.opt.OnPanic(s, event, v, ack)
	}()
	f()
}

// A ConnectError refuses a socket; its message and data reach the client's
// connect_error event. OnConnect handlers return it.
type ConnectError struct {
	Message string
	Data    any // encoded with encoding/json; nil sends none
}

// Error implements error.
func (e *ConnectError) Error() string { return "socket.io: connection refused: " + e.Message }

func (e *ConnectError) encode() []byte {
	raw, err := json.Marshal(struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{e.Message, e.Data})
	if err != nil {
		return []byte(`{"message":"internal"}`)
	}
	return raw
}
