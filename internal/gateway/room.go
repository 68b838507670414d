package gateway

import (
	"slices"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// maxRoomQueue bounds the events that wait for a room's runner. When it is full
// everything that waits is dropped: entries are read again from the store.
const maxRoomQueue = 512

// room is one conversation as this node needs it. Its fields belong to its
// shard's mu, with one exception: while busy is set, one goroutine is the room's
// runner. Only the runner changes last, memberSeq and verified (under mu), so it
// may read them without; only it writes to the room's sockets, so that entries
// reach each socket in order; and it does so without holding a lock. Events that
// come meanwhile wait in work. There are as many rooms as conversations whose members
// are here, and most are silent, so a room is small.
type room struct {
	id chat.ConversationID
	// last is the seq of the entry that was delivered last.
	last chat.Seq
	// memberSeq is the head as of which members were read, or the last entry
	// since that changed them. Who was read to be a member as of an earlier head
	// may have been removed since.
	memberSeq chat.Seq
	members   []*user
	work      *roomWork // nil while nothing waits
	// changes are the latest changes of members, all after changesFrom: the store may
	// not show them yet (see Options.Ahead).
	changes     []memberChange
	changesFrom chat.Seq
	// count is how many members the conversation has as of memberSeq, here or not.
	count int32
	// subscriptions is how often the bus was asked to hear the conversation.
	subscriptions int16
	busy          bool
	heard         bool // the bus has answered: events published from now on are heard
	// verified says that last was the head once the conversation was heard.
	// Before that a removal may have been missed, so nothing without a seq is passed on.
	verified bool
	dead     bool // out of the registry
}

// maxMemberChanges bounds the changes of members that a room remembers.
const maxMemberChanges = 128

// memberChange says that an entry made somebody a member, or ended that.
type memberChange struct {
	seq  chat.Seq
	user chat.UserID
}

// changed notes an entry that changes members. The shard's mu is held.
func (r *room) changed(seq chat.Seq, users []chat.UserID) {
	if len(users) > maxMemberChanges {
		r.changes, r.changesFrom = nil, seq
		return
	}
	for _, u := range users {
		r.changes = append(r.changes, memberChange{seq, u})
	}
	for len(r.changes) > maxMemberChanges {
		r.changesFrom = r.changes[0].seq
		r.changes = slices.DeleteFunc(r.changes, func(c memberChange) bool { return c.seq <= r.changesFrom })
	}
}

// newer reports whether somebody's membership may have changed after a head. The
// shard's mu is held.
func (r *room) newer(user chat.UserID, head chat.Seq) bool {
	if r.memberSeq <= head {
		return false
	}
	return r.changesFrom > head || slices.ContainsFunc(r.changes, func(c memberChange) bool { return c.seq > head && c.user == user })
}

// roomWork is what waits for a room's runner, and what it has to mind.
type roomWork struct {
	queue []chat.Event
	lost  bool     // the queue was full: ask the store
	need  chat.Seq // up to this entry, which was dropped then
	tries int      // how often asking it failed
	// late are members who may not see the room's next entry yet, because the room
	// is behind what they were read at.
	late []lateMember
}

// lateMember sees the conversation from an entry on that the room has not reached.
type lateMember struct {
	user *user
	from chat.Seq
}

// later gives work, made if need be. The shard's mu is held.
func (r *room) later() *roomWork {
	if r.work == nil {
		r.work = &roomWork{}
	}
	return r.work
}

// sees asks the domain whether somebody who sees a conversation from an entry on
// may get another.
func sees(from, seq chat.Seq) bool {
	return (&chat.Member{VisibleFrom: from}).Sees(seq)
}

// add puts a user in who may see entries from the given one on. Whoever may see
// the room's next entry may see all that follow: that is asked here, once. The
// shard's mu is held.
func (r *room) add(u *user, from chat.Seq) {
	if len(r.members) == cap(r.members) { // grow by a quarter: rooms stay, and are many
		grown := make([]*user, len(r.members), len(r.members)+1+len(r.members)/4)
		copy(grown, r.members)
		r.members = grown
	}
	r.members = append(r.members, u)
	if !sees(from, r.last+1) {
		w := r.later()
		w.late = append(w.late, lateMember{u, from})
	}
}

// enqueue leaves events to the runner. The shard's mu is held.
func (r *room) enqueue(events []chat.Event) {
	w := r.later()
	if len(w.queue)+len(events) > maxRoomQueue {
		w.miss(w.queue)
		w.miss(events)
		w.queue, w.lost = nil, true
		return
	}
	w.queue = append(w.queue, events...)
}

// miss notes entries that are dropped.
func (w *roomWork) miss(events []chat.Event) {
	for i := range events {
		if events[i].Kind == chat.EventEntry {
			w.need = max(w.need, events[i].Seq)
		}
	}
}

// rest forgets work when nothing is left of it. The shard's mu is held.
func (r *room) rest() {
	if w := r.work; w != nil && len(w.queue) == 0 && !w.lost && w.tries == 0 && len(w.late) == 0 {
		r.work = nil
	}
}

// remove takes a user out and reports whether they were in. The shard's mu is held.
func (r *room) remove(u *user) bool {
	i := slices.Index(r.members, u)
	if i < 0 {
		return false
	}
	last := len(r.members) - 1
	r.members[i] = r.members[last]
	r.members[last] = nil
	r.members = r.members[:last]
	if cap(r.members) > 64 && last < cap(r.members)/4 {
		r.members = slices.Clone(r.members)
	}
	if r.work != nil {
		r.work.late = slices.DeleteFunc(r.work.late, func(l lateMember) bool { return l.user == u })
		r.rest()
	}
	return true
}

const shardCount = 64

// roomShard is a part of the rooms.
type roomShard struct {
	mu    sync.Mutex
	rooms map[chat.ConversationID]*room
	_     [40]byte // keeps shards on cache lines of their own
}

// userShard is a part of the users.
type userShard struct {
	mu    sync.Mutex
	users map[chat.UserID]*user
	_     [40]byte
}

// shard gives the shard of a conversation; the last bytes of ids are random.
func (g *Gateway) shard(id chat.ConversationID) *roomShard {
	return &g.rooms[id[15]%shardCount]
}

func (g *Gateway) userShard(id chat.UserID) *userShard {
	return &g.users[id[15]%shardCount]
}
