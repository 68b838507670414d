package gateway

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
)

type userState uint8

const (
	userLoading userState = iota // memberships are being read; member events wait in pending
	userLive
	userGone // taken out of the registry; whoever meets it starts again
)

// maxPendingMembers bounds the member events that wait while a user is loaded.
const maxPendingMembers = 1_000

// user is one person with a socket on this node, or who had one a moment ago.
type user struct {
	id chat.UserID
	// first is the list of the person's sockets, linked by conn.next. It is
	// changed under mu and read without: delivery walks it.
	first atomic.Pointer[conn]
	// blocks counts the blocks that began while the person was here.
	blocks atomic.Uint32

	mu      sync.Mutex
	state   userState
	sockets int32
	// idleSince is when the last socket went, in unix nanoseconds; zero while there is one.
	idleSince int64
	// absent is set while the person counts as gone and is kept all the same.
	absent bool
	// looked are the sockets whose clients somebody looks at.
	looked  map[*conn]struct{}
	loading *loading // nil once loading has ended
	rooms   []*room  // sorted by id
	// changed is the last entry, of each conversation, that is known to have changed the
	// person's membership: the store may not show it yet (see Options.Ahead).
	changed map[chat.ConversationID]chat.Seq
}

// loading is what a user needs while memberships are read.
type loading struct {
	done    chan struct{} // closed at the end
	pending []change      // changes that came meanwhile
}

// link adds a socket. mu is held.
func (u *user) link(c *conn) {
	c.next.Store(u.first.Load())
	u.first.Store(c)
	u.sockets++
	u.idleSince = 0
}

// unlink takes a socket out and reports whether it was there. A walk that is
// under way may still meet it. mu is held.
func (u *user) unlink(c *conn) bool {
	at := &u.first
	for {
		other := at.Load()
		if other == nil {
			return false
		}
		if other == c {
			at.Store(c.next.Load())
			u.sockets--
			return true
		}
		at = &other.next
	}
}

// find gives where the room of a conversation is, or belongs, in rooms. mu is held.
func (u *user) find(id chat.ConversationID) (int, bool) {
	return slices.BinarySearchFunc(u.rooms, id, func(r *room, id chat.ConversationID) int {
		return bytes.Compare(r.id[:], id[:])
	})
}

// room gives the room of a conversation that the person is in, else nil.
func (u *user) room(id chat.ConversationID) *room {
	u.mu.Lock()
	defer u.mu.Unlock()
	if i, ok := u.find(id); ok {
		return u.rooms[i]
	}
	return nil
}

// gone reports whether the person was taken out of the registry.
func (u *user) gone() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state == userGone
}

// conversations gives the conversations that the person is in.
func (u *user) conversations() []chat.ConversationID {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := make([]chat.ConversationID, len(u.rooms))
	for i, r := range u.rooms {
		ids[i] = r.id
	}
	return ids
}

// maxChanged bounds the changes of a person's memberships that are remembered.
const maxChanged = 1_000

// note remembers an entry that changes the person's membership. mu is held.
func (u *user) note(id chat.ConversationID, seq chat.Seq) {
	if u.changed == nil {
		u.changed = make(map[chat.ConversationID]chat.Seq)
	}
	if _, ok := u.changed[id]; !ok && len(u.changed) >= maxChanged {
		for other := range u.changed { // any: the store shows most of them by now
			delete(u.changed, other)
			break
		}
	}
	u.changed[id] = max(u.changed[id], seq)
}

// lastChange gives the last entry that is known to have changed the person's
// membership of a conversation; zero if none is.
func (u *user) lastChange(id chat.ConversationID) chat.Seq {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.changed[id]
}

// each calls fn for every socket of the person.
func (u *user) each(fn func(*conn)) {
	for c := u.first.Load(); c != nil; c = c.next.Load() {
		fn(c)
	}
}
