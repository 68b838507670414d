package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/socketio/internal/packet"
)

// ErrAckUsed is returned by an acknowledgement that was sent before.
var ErrAckUsed = errors.New("socket.io: already acknowledged")

// ErrAckTimeout is what waiting for an acknowledgement ends with when none came.
var ErrAckTimeout = errors.New("socket.io: no acknowledgement in time")

// ErrTooManyAcks is returned when a socket owes too many acknowledgements.
var ErrTooManyAcks = errors.New("socket.io: too many pending acknowledgements")

// An Ack answers an event. It may be used once, at any time, from any goroutine; for an
// event whose sender wants no answer it does nothing. The zero Ack does nothing.
type Ack struct{ p *pendingAck }

type pendingAck struct {
	socket *Socket
	id     uint64
	used   atomic.Bool
}

// Wanted reports whether the sender asked for an answer.
func (a Ack) Wanted() bool { return a.p != nil }

// Send answers with arguments as NewFrame takes them. ErrAckUsed when the event was
// answered before, ErrClosed when the socket is gone, nil when no answer was wanted.
func (a Ack) Send(args ...any) error {
	if a.p == nil {
		return nil
	}
	encoded, err := encodeArgs(args)
	if err != nil {
		return fmt.Errorf("encode acknowledgement: %w", err)
	}
	return a.send(encoded)
}

// SendJSON answers with one argument of ready-made JSON.
func (a Ack) SendJSON(raw json.RawMessage) error {
	if a.p == nil {
		return nil
	}
	return a.send(packet.Args{JSON: raw})
}

func (a Ack) send(args packet.Args) error {
	if a.p.used.Swap(true) {
		return ErrAckUsed
	}
	s := a.p.socket
	return s.Send(ackFrame(s.ns.name, a.p.id, args))
}

// awaited is an acknowledgement the client owes.
type awaited struct {
	deadline int64 // ns on the server's clock
	done     func(Message, error)
}

// EmitAck sends an event and calls done once: with the client's answer, with
// ErrAckTimeout after timeout (kept to about 100 ms), or with ErrClosed. done runs on an
// I/O goroutine and must be quick. When EmitAck returns an error, done is not called.
func (s *Socket) EmitAck(event string, timeout time.Duration, done func(Message, error), args ...any) error {
	encoded, err := encodeArgs(args)
	if err != nil {
		return fmt.Errorf("encode event %q: %w", event, err)
	}
	now := s.peer.conn.Now()
	deadline := now + int64(timeout)
	s.mu.Lock()
	if s.state.Load() == socketClosed {
		s.mu.Unlock()
		return ErrClosed
	}
	x := s.lazy()
	if len(x.acks) >= s.ns.srv.opt.MaxPendingAcks {
		s.mu.Unlock()
		return ErrTooManyAcks
	}
	if x.acks == nil {
		x.acks = make(map[uint64]awaited)
	}
	id := x.nextAck
	x.nextAck++
	x.acks[id] = awaited{deadline: deadline, done: done}
	s.mu.Unlock()
	s.peer.wakeBy(deadline)
	if err := s.Send(eventFrame(packet.Head{Namespace: s.ns.name, ID: id, HasID: true}, event, encoded)); err != nil {
		if _, mine := s.takeAck(id); !mine {
			return nil // done has been called with the reason
		}
		return err
	}
	return nil
}

// Call is EmitAck for a goroutine that can wait. It must not be used in a handler of the
// same server: the answer could not be received.
func (s *Socket) Call(ctx context.Context, event string, args ...any) (Message, error) {
	type answer struct {
		m   Message
		err error
	}
	ch := make(chan answer, 1)
	timeout := time.Hour
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline) + time.Second // the context speaks first
	}
	if err := s.EmitAck(event, timeout, func(m Message, err error) { ch <- answer{m, err} }, args...); err != nil {
		return Message{}, err
	}
	select {
	case a := <-ch:
		return a.m, a.err
	case <-ctx.Done():
		return Message{}, fmt.Errorf("await acknowledgement of %q: %w", event, ctx.Err())
	}
}

// takeAck removes what was awaited under id.
func (s *Socket) takeAck(id uint64) (awaited, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra == nil {
		return awaited{}, false
	}
	a, ok := s.extra.acks[id]
	delete(s.extra.acks, id)
	return a, ok
}

// expireAcks calls what has waited too long and returns the next deadline, 0 for none.
func (s *Socket) expireAcks(now int64) int64 {
	var late []awaited
	next := int64(0)
	s.mu.Lock()
	if s.extra != nil {
		for id, a := range s.extra.acks {
			if a.deadline <= now {
				late = append(late, a)
				delete(s.extra.acks, id)
			} else if next == 0 || a.deadline < next {
				next = a.deadline
			}
		}
	}
	s.mu.Unlock()
	for _, a := range late {
		s.guard("ack", Ack{}, func() { a.done(Message{}, ErrAckTimeout) })
	}
	return next
}
