package gateway

import (
	"slices"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// maxSeats bounds the calls that one socket is in at once. With one more it leaves
// the first: a device is in one call.
const maxSeats = 4

// seat is a place in a call: signals for the device go to the socket that has it.
type seat struct {
	conversation chat.ConversationID
	call         chat.CallID
	device       chat.DeviceID
}

// seats are the places in calls that sockets of this node have: at most maxSeats a socket.
// Clients make the ids of calls and devices: of two conversations they may be the same.
type seats struct {
	mu     sync.Mutex
	byCall map[ofCall]map[chat.DeviceID]*conn
	byConn map[*conn][]seat
}

// ofCall is what all seats of a call have in common.
type ofCall struct {
	conversation chat.ConversationID
	call         chat.CallID
}

func (s seat) of() ofCall { return ofCall{s.conversation, s.call} }

func (s *seats) init() {
	s.byCall = make(map[ofCall]map[chat.DeviceID]*conn)
	s.byConn = make(map[*conn][]seat)
}

// at gives the socket that has a place, or nil.
func (s *seats) at(at seat) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byCall[at.of()][at.device]
}

// take gives a socket a place that another one may have had, and gives those that the
// socket has too many.
func (s *seats) take(c *conn, at seat) (left []seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if had := s.byCall[at.of()][at.device]; had != nil {
		s.drop(had, at)
	}
	if s.byCall[at.of()] == nil {
		s.byCall[at.of()] = make(map[chat.DeviceID]*conn)
	}
	s.byCall[at.of()][at.device] = c
	s.byConn[c] = append(s.byConn[c], at)
	for len(s.byConn[c]) > maxSeats {
		first := s.byConn[c][0]
		left = append(left, first)
		s.drop(c, first)
	}
	return left
}

// drop takes a place away from the socket that has it. mu is held.
func (s *seats) drop(c *conn, at seat) {
	if delete(s.byCall[at.of()], at.device); len(s.byCall[at.of()]) == 0 {
		delete(s.byCall, at.of())
	}
	if s.byConn[c] = slices.DeleteFunc(s.byConn[c], func(other seat) bool { return other == at }); len(s.byConn[c]) == 0 {
		delete(s.byConn, c)
	}
}

// leave takes those places away from a socket that which names, and gives them.
func (s *seats) leave(c *conn, which func(seat) bool) (left []seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range slices.Clone(s.byConn[c]) {
		if which(at) {
			left = append(left, at)
			s.drop(c, at)
		}
	}
	return left
}

// end forgets all places in a call.
func (s *seats) end(call ofCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.byCall[call] {
		for _, at := range slices.Clone(s.byConn[c]) {
			if at.of() == call {
				s.drop(c, at)
			}
		}
	}
}

// sit gives a socket a place in a call, and keeps it there while the socket lives.
func (g *Gateway) sit(c *conn, at seat) {
	left := g.seats.take(c, at)
	g.ports.Calls.Bind(at.conversation, at.call, at.device)
	for _, old := range left {
		g.ports.Calls.Release(old.conversation, old.call, old.device)
	}
	switch flags := c.flags.Load(); { // it went before it had the place
	case flags&connRevoked != 0:
		g.unseat(c)
	case flags&connGone != 0:
		g.rise(c, func(seat) bool { return true })
	}
}

// unseat takes a socket's places away for good: its session has ended.
func (g *Gateway) unseat(c *conn) {
	for _, at := range g.seats.leave(c, func(seat) bool { return true }) {
		g.ports.Calls.Leave(at.conversation, at.call, at.device)
	}
}

// rise takes places away from a socket. Whose socket has gone stays in the call until
// the lease ends, unless they come back.
func (g *Gateway) rise(c *conn, which func(seat) bool) {
	for _, at := range g.seats.leave(c, which) {
		g.ports.Calls.Release(at.conversation, at.call, at.device)
	}
}
