package gateway

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// maxMerged bounds the entries of one room that are written together.
const maxMerged = 64

// smallRoom is how many connected members a room may have to be written to at
// once even if it is busy.
const smallRoom = 16

// scratch is the memory of one delivery.
type scratch struct {
	members []*user
	late    []lateMember
	seqs    []chat.Seq
	frames  []*socketio.Frame
}

//nolint:gochecknoglobals // a pool of memory, no state
var scratchPool = sync.Pool{New: func() any { return &scratch{} }}

func (x *scratch) release() {
	clear(x.members)
	clear(x.late)
	clear(x.frames)
	if cap(x.members) > 1<<16 {
		return
	}
	x.members, x.late, x.seqs, x.frames = x.members[:0], x.late[:0], x.seqs[:0], x.frames[:0]
	scratchPool.Put(x)
}

// Deliver implements chat.Sink: it takes the events of this node's topics. It is
// called in order for each topic and does not block.
func (g *Gateway) Deliver(events []chat.Event) {
	g.stats.eventsIn.Add(int64(len(events)))
	for len(events) > 0 {
		topic, n := events[0].Topic, 1
		for n < len(events) && events[n].Topic == topic {
			n++
		}
		switch topic.Kind {
		case chat.TopicConversation:
			g.conversationEvents(topic.ID, events[:n])
		case chat.TopicUser:
			for i := range events[:n] {
				g.userEvent(topic.ID, &events[i])
			}
		case chat.TopicPresence:
			g.presenceEvents(topic.ID, events[:n])
		}
		events = events[n:]
	}
}

// conversationEvents runs a room on its events, or leaves them to whoever does.
func (g *Gateway) conversationEvents(id chat.ConversationID, events []chat.Event) {
	s := g.shard(id)
	s.mu.Lock()
	r := s.rooms[id]
	if r == nil {
		s.mu.Unlock()
		return
	}
	if r.busy {
		r.enqueue(events)
		s.mu.Unlock()
		return
	}
	r.busy = true
	s.mu.Unlock()
	g.run(r, events)
}

// run is the room's runner: it works on events, and on those that come meanwhile,
// until none is left or the store has to be asked; then a filler goes on as the
// runner. Whoever calls it has set busy.
func (g *Gateway) run(r *room, events []chat.Event) {
	s := g.shard(r.id)
	for {
		rest := g.consume(r, events)
		s.mu.Lock()
		if r.dead {
			r.busy, r.work = false, nil
			s.mu.Unlock()
			return
		}
		if len(rest) > 0 {
			// rest may be the bus's own memory: keep a copy.
			w := r.later()
			w.queue = append(slices.Clone(rest), w.queue...)
		}
		if len(rest) > 0 || r.work != nil && r.work.lost {
			s.mu.Unlock()
			g.fills.add(r)
			return
		}
		if r.work == nil || len(r.work.queue) == 0 {
			r.rest()
			r.busy = false
			s.mu.Unlock()
			return
		}
		events, r.work.queue = r.work.queue, nil
		s.mu.Unlock()
	}
}

// consume delivers events in order. It stops at one that cannot be delivered
// before the store was asked, and gives it and what follows.
func (g *Gateway) consume(r *room, events []chat.Event) (rest []chat.Event) {
	for i := 0; i < len(events); {
		ev := &events[i]
		switch {
		case ev.Kind != chat.EventEntry:
			if !r.verified {
				return events[i:]
			}
			g.passOn(r, ev)
			i++
		case ev.Seq <= r.last:
			g.stats.duplicates.Add(1)
			i++
		case sabotage.SkipGapFetch && ev.Seq > r.last+1:
			g.skipTo(r, ev.Seq-1)
		case ev.Seq > r.last+1:
			g.stats.gaps.Add(1)
			return events[i:]
		default:
			r.verified = true
			i += g.entries(r, events[i:])
		}
	}
	return nil
}

// entries delivers the first entry of events, which follows r.last, together
// with those right behind it that change no member. It gives how many.
func (g *Gateway) entries(r *room, events []chat.Event) int {
	first := peek(events[0].Data)
	if first.members() {
		g.memberEntry(r, events[0].Seq, events[0].Data)
		return 1
	}
	x := scratchPool.Get().(*scratch) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer x.release()
	for i, now := 0, first; i < len(events); i++ {
		ev := &events[i]
		if ev.Kind != chat.EventEntry || ev.Seq != r.last+1+chat.Seq(i) || i >= maxMerged {
			break
		}
		if i > 0 {
			now = peek(ev.Data)
		}
		if now.members() {
			break
		}
		if !now.known { // passed on as it is: clients skip what they do not know
			g.stats.unknown.Add(1)
		}
		x.seqs = append(x.seqs, ev.Seq)
		x.frames = append(x.frames, g.entryFrame(ev.Data))
	}
	g.advance(r, x, x.seqs[len(x.seqs)-1], 0, 0)
	if n := len(x.frames); sabotage.ReorderFrames && n > 1 {
		x.frames[n-1], x.frames[n-2] = x.frames[n-2], x.frames[n-1]
	}
	if !sabotage.DropPushes || x.seqs[0]%128 != 0 {
		g.write(x)
	}
	if !first.at.IsZero() {
		g.opt.ObserveDelivery(g.opt.Now().Sub(first.at).Seconds())
	}
	return len(x.seqs)
}

// advance moves a room on and notes who is in it. memberSeq is seq if the entry
// changes members, by grown.
func (g *Gateway) advance(r *room, x *scratch, seq, memberSeq chat.Seq, grown int) {
	s := g.shard(r.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.last = seq
	if memberSeq > r.memberSeq {
		r.memberSeq = memberSeq
		r.count += int32(grown) //nolint:gosec // at most chat.MaxMembers
	}
	x.members = append(x.members, r.members...)
	if r.work == nil || len(r.work.late) == 0 {
		return
	}
	x.late = append(x.late, r.work.late...)
	r.work.late = slices.DeleteFunc(r.work.late, func(l lateMember) bool { return sees(l.from, seq+1) })
	r.rest()
}

// noteChange notes an entry that changes members, before it counts as delivered.
func (g *Gateway) noteChange(r *room, seq chat.Seq, users []chat.UserID) {
	s := g.shard(r.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.changed(seq, users)
}

// write sends the frames of x to its members, each entry to those who may see it.
// Entries that were committed together are one write for each socket.
func (g *Gateway) write(x *scratch) {
	all := x.frames[0]
	if len(x.frames) > 1 {
		all = socketio.JoinFrames(x.frames...)
	}
	// In a small room an entry goes out at once. In a large one that is busy it
	// may wait a moment for the next: a write costs more than a frame.
	send := (*conn).send
	if len(x.members) > smallRoom {
		send = (*conn).sendMergeable
	}
	sent := 0
	for _, u := range x.members {
		hidden := x.hidden(u)
		for c := u.first.Load(); c != nil; c = c.next.Load() {
			sent += len(x.frames) - hidden
			if hidden == 0 {
				send(c, all)
				continue
			}
			for _, f := range x.frames[hidden:] {
				send(c, f)
			}
		}
	}
	g.stats.eventsOut.Add(int64(sent))
}

// hidden gives how many of the first entries a member may not see. It is none,
// except for those who joined ahead of the room (see room.add).
func (x *scratch) hidden(u *user) int {
	for _, l := range x.late {
		if l.user != u {
			continue
		}
		n := 0
		for n < len(x.seqs) && !sees(l.from, x.seqs[n]) {
			n++ // seqs ascend: once one is visible, all that follow are
		}
		return n
	}
	return 0
}

// memberEntry delivers an entry that changes members. Who is added gets it first
// of all entries, who is removed gets it as the last.
func (g *Gateway) memberEntry(r *room, seq chat.Seq, data []byte) {
	e, err := chat.DecodeEntry(data)
	if err != nil {
		g.opt.Logger.Error("decode member entry", "conversation", r.id, "seq", seq, "err", err)
		e = &chat.Entry{}
	}
	grown := len(e.UserIDs)
	if e.Kind == chat.KindMemberRemoved {
		grown = -grown
	} else {
		g.admit(r, e)
	}
	x := scratchPool.Get().(*scratch) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer x.release()
	x.seqs = append(x.seqs, seq)
	x.frames = append(x.frames, g.entryFrame(data))
	if g.opt.Ahead {
		g.noteChange(r, seq, e.UserIDs)
	}
	g.advance(r, x, seq, seq, grown)
	g.write(x)
	switch {
	case e.Kind != chat.KindMemberRemoved || sabotage.DeliverToKicked:
	case sabotage.LateRemoval:
		time.AfterFunc(lateRemoval, func() { g.expel(r, e) })
	default:
		g.expel(r, e)
	}
}

// lateRemoval is by how much a build that is broken on purpose is late.
const lateRemoval = time.Second

// skipTo has a room forget what is missing, in a build that is broken on purpose.
func (g *Gateway) skipTo(r *room, seq chat.Seq) {
	s := g.shard(r.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.last = seq
}

// admit joins those of the added who are live on this node.
func (g *Gateway) admit(r *room, e *chat.Entry) {
	for _, id := range e.UserIDs {
		u := g.lookup(id)
		if u == nil {
			continue
		}
		u.mu.Lock()
		if g.opt.Ahead {
			u.note(r.id, e.Seq)
		}
		// Whoever is still being loaded has the change in their memberships or
		// in their pending member events.
		if i, in := u.find(r.id); u.state == userLive && !in && g.enterRunning(r, u, e.Seq) {
			u.rooms = slices.Insert(u.rooms, i, r)
		}
		u.mu.Unlock()
	}
}

// enterRunning adds a user to a room that the caller runs.
func (g *Gateway) enterRunning(r *room, u *user, from chat.Seq) bool {
	s := g.shard(r.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.dead {
		return false
	}
	r.add(u, from)
	return true
}

// expel takes the removed out of the room and tells their sockets.
func (g *Gateway) expel(r *room, e *chat.Entry) {
	g.leaveCall(r.id, e.UserIDs)
	for _, id := range e.UserIDs {
		u := g.lookup(id)
		if u == nil {
			continue
		}
		u.mu.Lock()
		if g.opt.Ahead {
			u.note(r.id, e.Seq)
		}
		_, in := u.find(r.id)
		var topics []chat.Topic
		if in {
			topics = g.leave(u, r)
		}
		u.mu.Unlock()
		g.unsubscribeSoon(topics)
		if in {
			g.tellGone(u, r.id)
		}
	}
}

// passOn delivers an event without a seq.
func (g *Gateway) passOn(r *room, ev *chat.Event) {
	switch ev.Kind {
	case chat.EventReceipt:
		g.tellOthers(r, ev, wire.EventReceipt, (*conn).send)
	case chat.EventTyping:
		g.tellOthers(r, ev, wire.EventTyping, (*conn).sendVolatile)
	case chat.EventCall:
		g.callEvent(r, ev)
	default:
		g.unknownEvent(ev)
	}
}

// unknownEvent counts an event of a kind that this program does not know, or not on
// such a topic. A node of a newer version sent it; what it says to older ones it says by
// entries. Clients of this node are told nothing: it would be something else to them.
func (g *Gateway) unknownEvent(ev *chat.Event) {
	n := g.stats.unknown.Add(1)
	if n&(n-1) == 0 { // rarer and rarer
		g.opt.Logger.Warn("left out an event of a kind that this program does not know", "kind", int(ev.Kind),
			"topic", int(ev.Topic.Kind), "until_now", n)
	}
}

// tellOthers sends an event to the members, but not to who caused it.
func (g *Gateway) tellOthers(r *room, ev *chat.Event, name string, send func(*conn, *socketio.Frame)) {
	f := g.frame(name, ev.Data)
	x := scratchPool.Get().(*scratch) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer x.release()
	g.advance(r, x, r.last, 0, 0)
	sent := 0
	for _, u := range x.members {
		if u.id == ev.From {
			continue
		}
		for c := u.first.Load(); c != nil; c = c.next.Load() {
			send(c, f)
			sent++
		}
	}
	g.stats.eventsOut.Add(int64(sent))
}

func (g *Gateway) entryFrame(data []byte) *socketio.Frame {
	return g.frame(wire.EventEntry, data)
}

// frame encodes an event once for all who get it.
func (g *Gateway) frame(name string, data json.RawMessage) *socketio.Frame {
	f, err := socketio.NewFrame(name, data)
	if err != nil { // only payloads that cannot be marshalled fail; these are JSON already
		g.opt.Logger.Error("encode frame", "event", name, "err", err)
		return g.frames.resync
	}
	return f
}

// sendTo sends an event to all sockets of a person.
func (g *Gateway) sendTo(u *user, name string, payload any) {
	data, err := json.Marshal(payload)
	if err != nil {
		g.opt.Logger.Error("encode event", "event", name, "err", err)
		return
	}
	f := g.frame(name, data)
	u.each(func(c *conn) { c.send(f) })
}

func (g *Gateway) tellGone(u *user, id chat.ConversationID) {
	g.sendTo(u, wire.EventConversation, wire.ConversationGone{ID: id, Gone: true})
}
