package socketio

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/parley-chat/parley/socketio/engineio"
)

// roomShards splits a namespace's rooms; a power of two.
const roomShards = 64

// room is a set of sockets as a slice: what is sent to it is what matters, and a slice
// is walked fastest and held smallest. It belongs to its shard's lock.
type room struct {
	name    string
	members []*Socket
}

type roomShard struct {
	mu     sync.Mutex
	byName map[string]*room
}

func (ns *Namespace) shard(name string) *roomShard {
	return &ns.rooms[maphash.String(ns.seed, name)&(roomShards-1)]
}

// Join adds the socket to rooms; being in one already is harmless. ErrClosed when the
// socket is gone.
func (s *Socket) Join(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() == socketClosed {
		return ErrClosed
	}
	s.rooms = slices.Grow(s.rooms, len(names))
	for _, name := range names {
		if r := s.ns.shard(name).join(name, s); r != nil {
			s.rooms = append(s.rooms, r)
		}
	}
	return nil
}

// join adds s, whose mu is held, and returns the room unless s was in it.
func (sh *roomShard) join(name string, s *Socket) *room {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.byName[name]
	if r == nil {
		r = &room{name: name, members: make([]*Socket, 0, 2)}
		if sh.byName == nil {
			sh.byName = make(map[string]*room)
		}
		sh.byName[name] = r
	}
	// Looking through the shorter of the two lists keeps both a socket in very many
	// rooms and a room with very many sockets cheap.
	if len(r.members) <= len(s.rooms) && slices.Contains(r.members, s) ||
		len(r.members) > len(s.rooms) && slices.Contains(s.rooms, r) {
		return nil
	}
	r.members = append(r.members, s)
	return r
}

// Leave takes the socket out of rooms; not being in one is harmless.
func (s *Socket) Leave(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		i := slices.IndexFunc(s.rooms, func(r *room) bool { return r.name == name })
		if i < 0 {
			continue
		}
		s.ns.shard(name).leave(s.rooms[i], s)
		s.rooms[i] = s.rooms[len(s.rooms)-1]
		s.rooms[len(s.rooms)-1] = nil
		s.rooms = s.rooms[:len(s.rooms)-1]
	}
}

// leave removes s and forgets an empty room.
func (sh *roomShard) leave(r *room, s *Socket) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i := slices.Index(r.members, s)
	if i < 0 {
		return
	}
	last := len(r.members) - 1
	r.members[i] = r.members[last]
	r.members[last] = nil
	r.members = r.members[:last]
	switch {
	case last == 0:
		delete(sh.byName, r.name)
	case cap(r.members) > 64 && last < cap(r.members)/4:
		r.members = append(make([]*Socket, 0, 2*last), r.members...)
	}
}

func (ns *Namespace) leaveAll(s *Socket, rooms []*room) {
	for _, r := range rooms {
		ns.shard(r.name).leave(r, s)
	}
}

// Rooms are the names of the rooms the socket is in, in no order.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, len(s.rooms))
	for i, r := range s.rooms {
		names[i] = r.name
	}
	return names
}

// A Selection is the sockets a frame goes to. It is a value: its methods return changed
// copies.
type Selection struct {
	ns     *Namespace
	rooms  []string
	all    bool
	except *Socket
	mode   engineio.Mode
}

// To selects the sockets that are in any of the rooms, each once.
func (ns *Namespace) To(rooms ...string) Selection {
	return Selection{ns: ns, rooms: rooms, mode: engineio.Mergeable}
}

// All selects every connected socket of the namespace.
func (ns *Namespace) All() Selection {
	return Selection{ns: ns, all: true, mode: engineio.Mergeable}
}

// Except leaves one socket out, for instance the sender.
func (sel Selection) Except(s *Socket) Selection {
	sel.except = s
	return sel
}

// Volatile lets the frame be dropped for clients that are not keeping up.
func (sel Selection) Volatile() Selection {
	sel.mode |= engineio.Volatile
	return sel
}

var membersPool = sync.Pool{New: func() any { return new([]*Socket) }}

// Send hands the frame to every selected socket and returns how many took it. It never
// waits. Frames one goroutine sends to a room arrive in their order; where several
// goroutines send to one room, only a lock of theirs fixes the order.
func (sel Selection) Send(f *Frame) int {
	n := 0
	var now int64
	sel.each(func(s *Socket) {
		if n == 0 || now == 0 {
			now = s.peer.conn.Now()
		}
		if s.sendAt(f, sel.mode, now) == nil {
			n++
		}
	})
	return n
}

// Each calls do for every selected socket. Sockets may join and leave meanwhile; no lock
// is held.
func (sel Selection) Each(do func(*Socket)) { sel.each(do) }

// Len is the number of selected sockets.
func (sel Selection) Len() int {
	n := 0
	sel.each(func(*Socket) { n++ })
	return n
}

func (sel Selection) each(do func(*Socket)) {
	buf := membersPool.Get().(*[]*Socket) //nolint:errcheck // the pool holds nothing else
	defer func() {
		clear(*buf)
		*buf = (*buf)[:0]
		membersPool.Put(buf)
	}()
	*buf = sel.snapshot((*buf)[:0])
	for _, s := range *buf {
		if s != sel.except {
			do(s)
		}
	}
}

// snapshot copies the members, so that no lock is held while they are written to.
func (sel Selection) snapshot(dst []*Socket) []*Socket {
	if sel.all {
		sel.ns.mu.Lock()
		defer sel.ns.mu.Unlock()
		return append(dst, sel.ns.sockets...)
	}
	for _, name := range sel.rooms {
		sh := sel.ns.shard(name)
		sh.mu.Lock()
		if r := sh.byName[name]; r != nil {
			dst = append(dst, r.members...)
		}
		sh.mu.Unlock()
	}
	if len(sel.rooms) > 1 {
		seen := make(map[*Socket]struct{}, len(dst))
		dst = slices.DeleteFunc(dst, func(s *Socket) bool {
			_, dup := seen[s]
			seen[s] = struct{}{}
			return dup
		})
	}
	return dst
}
