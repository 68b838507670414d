package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	fillers      = 4
	fillPage     = 500
	fillBytes    = 1 << 20
	fillPause    = 25 * time.Millisecond // before a failed fill is tried again; it doubles
	fillMaxPause = 2 * time.Second
	// quietFills is how often a fill may be in vain before it is worth a line in the log.
	quietFills = 4
	// maxFill bounds the missed entries that are written to sockets. Behind that
	// only members are followed, and clients are told to catch up by themselves.
	maxFill = 2_000
	// headsPerQuery bounds the conversations of one question to the store.
	headsPerQuery = 500
)

// errHole says that the store gave a log with a hole, which must not happen.
var errHole = errors.New("the log has a hole")

// fillQueue holds the rooms that wait for a filler. A room is in it once at
// most, because it is busy until the filler is through: the bound is the number of rooms.
type fillQueue struct {
	mu   sync.Mutex
	list []*room
	wake chan struct{} // of capacity 1
}

func (q *fillQueue) add(r *room) {
	q.mu.Lock()
	q.list = append(q.list, r)
	q.mu.Unlock()
	q.ring()
}

func (q *fillQueue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *fillQueue) take() *room {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return nil
	}
	r := q.list[0]
	q.list[0] = nil
	q.list = q.list[1:]
	if len(q.list) > 0 {
		q.ring()
	}
	return r
}

// fillLoop is one filler: it takes over as the runner of rooms that need the store.
func (g *Gateway) fillLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.fills.wake:
		}
		for r := g.fills.take(); r != nil; r = g.fills.take() {
			g.fill(ctx, r)
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// fill brings a room to the store's head, in order, and goes on as its runner
// with what waits. A store that cannot be reached is asked again later: nothing may
// overtake what is missing, so the room stands still until then.
func (g *Gateway) fill(ctx context.Context, r *room) {
	before := r.last
	err := g.fillOnce(ctx, r)
	s := g.shard(r.id)
	s.mu.Lock()
	w := r.later()
	waiting := w.queue
	switch {
	case r.dead || err == nil && !short(waiting, r.last, w.need):
		w.queue, w.lost, w.need, w.tries = nil, false, 0, 0
		r.rest()
		r.verified = true
		s.mu.Unlock()
		g.run(r, waiting)
		return
	case err == nil && r.last > before: // more of it may be there by now
		w.tries = 0
		s.mu.Unlock()
		g.fills.add(r)
		return
	}
	// The store could not be asked, or does not show yet what was published.
	pause := min(fillPause<<w.tries, fillMaxPause)
	w.tries = min(w.tries+1, 10)
	quiet := err == nil && w.tries <= quietFills
	s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if !quiet {
		g.opt.Logger.Warn("fill a gap", "conversation", r.id, "after", int64(r.last), "again_in", pause, "err", err)
	}
	time.AfterFunc(pause, func() { g.fills.add(r) })
}

// short reports whether entries after last are missing: before the first among
// events or, if there is none, up to the one that is needed.
func short(events []chat.Event, last, need chat.Seq) bool {
	for i := range events {
		if events[i].Kind == chat.EventEntry && events[i].Seq > last {
			return events[i].Seq > last+1
		}
	}
	return last < need
}

// fillOnce reads and delivers everything after the room's last entry.
func (g *Gateway) fillOnce(ctx context.Context, r *room) error {
	for filled := 0; ; {
		page, err := g.ports.Views.Entries(ctx, r.id, r.last, fillPage, fillBytes)
		if err != nil && !errors.Is(err, chat.ErrNotFound) {
			return err //nolint:wrapcheck // logged by fill
		}
		if len(page) == 0 || g.isDead(r) {
			if filled > maxFill {
				g.resyncRoom(r)
			}
			return nil
		}
		for i := range page {
			if page[i].Seq != r.last+1 {
				return fmt.Errorf("%w: entry %d follows %d", errHole, page[i].Seq, r.last)
			}
			filled++
			g.fillEntry(r, page[i], filled > maxFill)
		}
		g.stats.filled.Add(int64(len(page)))
	}
}

// fillEntry delivers an entry that was missed; quiet ones are followed only.
func (g *Gateway) fillEntry(r *room, e chat.RawEntry, quiet bool) {
	if quiet && !peek(e.JSON).members() {
		s := g.shard(r.id)
		s.mu.Lock()
		r.last = e.Seq
		s.mu.Unlock()
		return
	}
	g.entries(r, []chat.Event{{Kind: chat.EventEntry, Seq: e.Seq, Data: e.JSON}})
}

func (g *Gateway) isDead(r *room) bool {
	s := g.shard(r.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	return r.dead
}

// resyncRoom tells everyone in a room to catch up by themselves.
func (g *Gateway) resyncRoom(r *room) {
	x := scratchPool.Get().(*scratch) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer x.release()
	g.advance(r, x, r.last, 0, 0)
	for _, u := range x.members {
		u.each(func(c *conn) { c.send(g.frames.resync) })
	}
}

// request has a filler look at a room that is behind the store's head. One whose
// runner is at work is left alone: it may be about to deliver that very entry.
func (g *Gateway) request(id chat.ConversationID, head chat.Seq) {
	s := g.shard(id)
	s.mu.Lock()
	r := s.rooms[id]
	if r == nil || r.busy || r.last >= head {
		s.mu.Unlock()
		return
	}
	r.busy = true
	s.mu.Unlock()
	g.fills.add(r)
}

// demand has the store asked for a room in any case, after what its runner is at.
func (g *Gateway) demand(id chat.ConversationID) {
	s := g.shard(id)
	s.mu.Lock()
	r := s.rooms[id]
	if r == nil || r.busy {
		if r != nil {
			r.later().lost = true
		}
		s.mu.Unlock()
		return
	}
	r.busy = true
	s.mu.Unlock()
	g.fills.add(r)
}

// checkHeads compares the rooms of this node with the store and fills those that
// are behind: a lost last entry leaves no gap to see. It looks at no more than limit
// rooms and goes on from shard start; it gives the shard to start from next time.
func (g *Gateway) checkHeads(ctx context.Context, start, limit int) (next int, err error) {
	var ids []chat.ConversationID
	next = start
	for i := 0; i < shardCount && limit > 0; i++ {
		for _, id := range g.roomIDs(next) {
			limit--
			ids = append(ids, id)
		}
		next = (next + 1) % shardCount
	}
	return next, g.lookAt(ctx, ids)
}

// lookAt compares rooms with the store.
func (g *Gateway) lookAt(ctx context.Context, ids []chat.ConversationID) error {
	for part := range slices.Chunk(ids, headsPerQuery) {
		heads, err := g.ports.Views.Heads(ctx, part)
		if err != nil {
			return err //nolint:wrapcheck // wrapped by the caller
		}
		for id, head := range heads {
			g.request(id, head)
		}
	}
	return nil
}

func (g *Gateway) roomIDs(shard int) []chat.ConversationID {
	s := &g.rooms[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]chat.ConversationID, 0, len(s.rooms))
	for id := range s.rooms {
		ids = append(ids, id)
	}
	return ids
}
