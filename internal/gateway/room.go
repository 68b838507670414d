package gateway

import (
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
// come meanwhile wait in queue.
type room struct {
	id chat.ConversationID
	// last is the seq of the entry that was delivered last.
	last chat.Seq
	// memberSeq is the head as of which members were read, or the last entry
	// since that changed them. Who was read to be a member as of an earlier head
	// may have been removed since.
	memberSeq chat.Seq
	members   []member
	queue     []chat.Event
	// count is how many members the conversation has as of memberSeq, here or not.
	count int32
	// subscriptions is how often the bus was asked to hear the conversation.
	subscriptions int32
	busy          bool
	heard         bool // the bus has answered: events published from now on are heard
	// verified says that last was the head once the conversation was heard.
	// Before that a removal may have been missed, so nothing without a seq is passed on.
	verified bool
	lost     bool  // queue was full
	tries    uint8 // how often filling it failed
	dead     bool  // out of the registry
}

// member is a connected user in a room.
type member struct {
	user *user
	from chat.Seq // the first entry they may see
}

// sees asks the domain whether the member may get an entry.
func (m member) sees(seq chat.Seq) bool {
	return (&chat.Member{VisibleFrom: m.from}).Sees(seq)
}

// enqueue leaves events to the runner. The shard's mu is held.
func (r *room) enqueue(events []chat.Event) {
	if len(r.queue)+len(events) > maxRoomQueue {
		r.queue, r.lost = nil, true
		return
	}
	r.queue = append(r.queue, events...)
}

// remove takes a user out and reports whether they were in. The shard's mu is held.
func (r *room) remove(u *user) bool {
	for i := range r.members {
		if r.members[i].user == u {
			last := len(r.members) - 1
			r.members[i] = r.members[last]
			r.members[last] = member{}
			r.members = r.members[:last]
			return true
		}
	}
	return false
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
