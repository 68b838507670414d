package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
)

// A Namespace is a set of handlers and the sockets connected to it. Handlers are
// registered before the server serves; everything else is safe for concurrent use.
type Namespace struct {
	srv  *Server
	name string
	seed maphash.Seed

	onConnect    func(*Socket, json.RawMessage) error
	onDisconnect func(*Socket, Reason)
	onUnknown    func(*Socket, string, Ack)
	onInvalid    func(*Socket, string, error, Ack)
	handlers     map[string]func(*Socket, Message, Ack)

	mu      sync.Mutex
	sockets []*Socket // connected

	rooms [roomShards]roomShard
}

// Name is the namespace's name.
func (ns *Namespace) Name() string { return ns.name }

// OnConnect sets who decides about new sockets. auth is what the client sent with its
// CONNECT packet, a JSON object, or nil. The handler runs in a bounded pool and may
// block. A *ConnectError refuses the socket with its message and data; any other error
// refuses it with the message "internal". Rooms joined and events sent during the
// handler take effect at once and reach the client right after the acceptance.
func (ns *Namespace) OnConnect(f func(s *Socket, auth json.RawMessage) error) { ns.onConnect = f }

// OnDisconnect sets who is told that a socket whose OnConnect succeeded is gone. It runs
// after the socket's last event handler, holds no lock of the server, and must be quick.
func (ns *Namespace) OnDisconnect(f func(*Socket, Reason)) { ns.onDisconnect = f }

// OnUnknown sets who answers events that have no handler. More than Options.MaxUnknown
// a minute close the connection in any case.
func (ns *Namespace) OnUnknown(f func(s *Socket, event string, ack Ack)) { ns.onUnknown = f }

// OnInvalid sets who answers events whose payload could not be decoded. Without it they
// are ignored.
func (ns *Namespace) OnInvalid(f func(s *Socket, event string, err error, ack Ack)) {
	ns.onInvalid = f
}

// OnRaw sets the handler of an event that takes its arguments undecoded; they may be kept.
func (ns *Namespace) OnRaw(event string, f func(s *Socket, m Message, ack Ack)) {
	if _, dup := ns.handlers[event]; dup {
		panic(fmt.Sprintf("socketio: second handler for %q", event)) // a programming error
	}
	ns.handlers[event] = f
}

// ErrArgs is given to OnInvalid when an event does not have exactly one argument.
var ErrArgs = errors.New("socket.io: an event takes one argument")

// On sets the handler of an event with one argument of type T, decoded by Options.Decode.
// Handlers of one socket run one after the other in the order of its events; they run
// on an I/O goroutine, so they must be quick or hand their work off.
func On[T any](ns *Namespace, event string, f func(s *Socket, payload T, ack Ack)) {
	decode := ns.srv.opt.Decode
	OnDecoded(ns, event, func(raw json.RawMessage) (T, error) {
		var v T
		err := decode(raw, &v)
		return v, err
	}, f)
}

// OnDecoded is On with a decoder of its own.
func OnDecoded[T any](ns *Namespace, event string, decode func(json.RawMessage) (T, error), f func(s *Socket, payload T, ack Ack)) {
	ns.OnRaw(event, func(s *Socket, m Message, ack Ack) {
		if len(m.Args) != 1 {
			ns.invalid(s, event, ErrArgs, ack)
			return
		}
		v, err := decode(m.Args[0])
		if err != nil {
			ns.invalid(s, event, err, ack)
			return
		}
		f(s, v, ack)
	})
}

func (ns *Namespace) invalid(s *Socket, event string, err error, ack Ack) {
	ns.srv.stats.invalid.Add(1)
	if ns.onInvalid != nil {
		ns.onInvalid(s, event, err, ack)
	}
}

// Len is the number of connected sockets.
func (ns *Namespace) Len() int {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return len(ns.sockets)
}

// add puts a socket into the namespace's list.
func (ns *Namespace) add(s *Socket) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s.index = uint32(len(ns.sockets)) //nolint:gosec // no process holds 2^32 sockets
	ns.sockets = append(ns.sockets, s)
}

// remove takes it out; not being in is harmless.
func (ns *Namespace) remove(s *Socket) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if int(s.index) >= len(ns.sockets) || ns.sockets[s.index] != s {
		return
	}
	last := len(ns.sockets) - 1
	moved := ns.sockets[last]
	moved.index = s.index
	ns.sockets[s.index] = moved
	ns.sockets[last] = nil
	ns.sockets = ns.sockets[:last]
}

// dispatch hands an event to its handler.
func (ns *Namespace) dispatch(s *Socket, event string, m Message, ack Ack) error {
	h := ns.handlers[event]
	if h == nil {
		ns.srv.stats.unknown.Add(1)
		if ns.onUnknown != nil {
			s.guard(event, ack, func() { ns.onUnknown(s, event, ack) })
		}
		if s.tooManyUnknown() {
			return &CloseError{Reason: ReasonRateLimited, Text: "unknown_event"}
		}
		return nil
	}
	s.guard(event, ack, func() { h(s, m, ack) })
	return nil
}

// disconnected tells the application.
func (ns *Namespace) disconnected(s *Socket, r Reason) {
	if ns.onDisconnect != nil {
		s.guard("disconnect", Ack{}, func() { ns.onDisconnect(s, r) })
	}
}
