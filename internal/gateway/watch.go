package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// watchers says which sockets watch whose presence.
type watchers struct {
	mu sync.Mutex
	by map[chat.UserID]*watched
}

// watched is somebody whose presence is watched. conns is replaced or appended to,
// never changed in place.
type watched struct {
	conns  []*conn
	online bool // as the watchers were told last
}

func (w *watchers) init() { w.by = make(map[chat.UserID]*watched) }

// watch is what one socket watches, at most wire.MaxWatched people.
type watch struct {
	lane lane // calls of presence.watch, one after the other

	mu     sync.Mutex
	ids    []chat.UserID
	closed bool
	// holding keeps changes back until the answer with the state before them is out.
	holding bool
	held    []*socketio.Frame
}

func (g *Gateway) presenceWatch(c *conn, p wire.PresenceWatch, r reply) {
	if err := g.allow(c); err != nil {
		r.fail(err)
		return
	}
	if len(p.UserIDs) > wire.MaxWatched {
		r.fail(&chat.Error{Code: chat.CodeTooLarge, Message: "At most 500 people can be watched.", Fields: map[string]string{"user_ids": "too many"}})
		return
	}
	if !c.extra().watch.lane.add(g, r.guarded(func(ctx context.Context) { g.watchPeople(ctx, c, p.UserIDs, r) })) {
		r.fail(chat.ErrOverloaded)
	}
}

// watchPeople makes a socket watch these people and no others, and answers with
// their presence now. Who cannot be found by others looks as if always offline.
func (g *Gateway) watchPeople(ctx context.Context, c *conn, ids []chat.UserID, r reply) {
	seen, err := g.ports.People.LastSeen(ctx, ids)
	if err != nil {
		r.fail(err)
		return
	}
	blocks := c.user.blocks.Load()
	hidden, err := g.hidden(ctx, c.user.id)
	if err != nil {
		r.fail(err)
		return
	}
	visible := make([]chat.UserID, 0, len(seen))
	for id := range seen {
		if hidden[id] {
			seen[id] = 0
			continue
		}
		visible = append(visible, id)
	}
	topics := presenceTopics(visible)
	if err := g.ports.Bus.Subscribe(ctx, topics...); err != nil {
		r.fail(err)
		return
	}
	old, ok := g.swapWatched(c, visible)
	if !ok {
		g.unsubscribe(topics...)
		return
	}
	g.unsubscribe(presenceTopics(old)...)
	online, err := g.ports.Online.Online(ctx, visible, chat.TimeOf(g.opt.Now()))
	if err != nil {
		r.fail(err)
	} else {
		g.watch.note(online)
		answer := wire.WatchAnswer{Presence: make([]wire.Presence, 0, len(ids))}
		for _, id := range ids {
			p := wire.Presence{UserID: id, Online: online[id]}
			if at := seen[id]; at > 0 {
				p.LastSeenAt = &at
			}
			answer.Presence = append(answer.Presence, p)
		}
		r.data(answer)
	}
	if c.user.blocks.Load() != blocks { // a block began meanwhile
		if err := g.rehide(ctx, c.user); err != nil {
			g.opt.Logger.Warn("read blocks again", "user", c.user.id, "err", err)
		}
	}
	w := &c.more.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holding = false
	for _, f := range w.held {
		c.send(f)
	}
	w.held = nil
}

func presenceTopics(ids []chat.UserID) []chat.Topic {
	topics := make([]chat.Topic, len(ids))
	for i, id := range ids {
		topics[i] = presenceTopic(id)
	}
	return topics
}

// swapWatched replaces what a socket watches and begins to hold changes back.
// false means that the socket is gone.
func (g *Gateway) swapWatched(c *conn, ids []chat.UserID) (old []chat.UserID, ok bool) {
	w := &c.more.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, false
	}
	old, w.ids, w.holding = w.ids, ids, true
	g.watch.mu.Lock()
	defer g.watch.mu.Unlock()
	g.watch.remove(c, old)
	for _, id := range ids {
		p := g.watch.by[id]
		if p == nil {
			p = &watched{}
			g.watch.by[id] = p
		}
		p.conns = append(p.conns, c)
	}
	return old, true
}

// remove takes a socket out. mu is held.
func (w *watchers) remove(c *conn, ids []chat.UserID) {
	for _, id := range ids {
		p := w.by[id]
		if p == nil {
			continue
		}
		if i := slices.Index(p.conns, c); i >= 0 {
			p.conns = slices.Delete(slices.Clone(p.conns), i, i+1)
		}
		if len(p.conns) == 0 {
			delete(w.by, id)
		}
	}
}

// note remembers what watchers were told of who is online.
func (w *watchers) note(online map[chat.UserID]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, on := range online {
		if p := w.by[id]; p != nil && on {
			p.online = true
		}
	}
}

// unwatch ends what a socket watches. It runs after its last event handler.
func (g *Gateway) unwatch(c *conn) {
	if c.more == nil {
		return
	}
	w := &c.more.watch
	w.mu.Lock()
	ids := w.ids
	w.ids, w.closed, w.held = nil, true, nil
	if len(ids) > 0 {
		g.watch.mu.Lock()
		g.watch.remove(c, ids)
		g.watch.mu.Unlock()
	}
	w.mu.Unlock()
	g.unsubscribeSoon(presenceTopics(ids))
}

// presenceEvents passes on that somebody came or went.
func (g *Gateway) presenceEvents(id chat.UserID, events []chat.Event) {
	for len(events) > 0 && events[len(events)-1].Kind != chat.EventPresence {
		g.unknownEvent(&events[len(events)-1])
		events = events[:len(events)-1]
	}
	if len(events) == 0 {
		return
	}
	data := events[len(events)-1].Data
	var p struct {
		Online bool `json:"online"`
	}
	if err := json.Unmarshal(data, &p); err != nil {
		g.opt.Logger.Error("decode presence", "user", id, "err", err)
		return
	}
	g.tellWatchers(id, p.Online, data)
}

// tellWatchers sends presence to the sockets that watch somebody.
func (g *Gateway) tellWatchers(id chat.UserID, online bool, data []byte) {
	g.watch.mu.Lock()
	p := g.watch.by[id]
	var conns []*conn
	if p != nil {
		conns, p.online = p.conns, online
	}
	g.watch.mu.Unlock()
	if len(conns) == 0 {
		return
	}
	f := g.frame(wire.EventPresence, data)
	for _, c := range conns {
		w := &c.more.watch
		w.mu.Lock()
		if w.holding {
			w.held = append(w.held, f)
		} else {
			c.send(f)
		}
		w.mu.Unlock()
	}
	g.stats.eventsOut.Add(int64(len(conns)))
}

// presenceLoop looks whether those who are shown as online still are: a node that
// died says good-bye for nobody, a lease that ends by itself tells nobody, and a lost event
// is not repeated. The others matter less, and are more.
func (g *Gateway) presenceLoop(ctx context.Context) {
	tick := time.NewTicker(g.opt.PresenceCheck)
	defer tick.Stop()
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := g.checkPresence(ctx, round%presenceRounds == 0); err != nil && ctx.Err() == nil {
			g.opt.Logger.Warn("compare presence", "err", err)
		}
	}
}

// checkPresence tells watchers of whom they believe what is not so: of those who are shown
// as online, or of all.
func (g *Gateway) checkPresence(ctx context.Context, all bool) error {
	for ids := range slices.Chunk(g.watch.people(all), presenceBatch) {
		now, err := g.ports.Online.Online(ctx, ids, chat.TimeOf(g.opt.Now()))
		if err != nil {
			return err //nolint:wrapcheck // the caller says what it was for
		}
		wrong := slices.DeleteFunc(ids, func(id chat.UserID) bool { return g.watch.shown(id) == now[id] })
		if len(wrong) == 0 {
			continue
		}
		// Whatever becomes of the times, watchers are told: nobody stays online because
		// the store cannot be read.
		reading, cancel := context.WithTimeout(ctx, lastSeenTimeout)
		seen, failed := g.ports.People.LastSeen(reading, wrong)
		cancel()
		for _, id := range wrong {
			p := wire.Presence{UserID: id, Online: now[id]}
			if at := seen[id]; at > 0 {
				p.LastSeenAt = &at
			}
			data, err := json.Marshal(p)
			if err != nil {
				return fmt.Errorf("encode presence: %w", err)
			}
			g.tellWatchers(id, p.Online, data)
		}
		if failed != nil {
			return fmt.Errorf("read when they were seen: %w", failed)
		}
	}
	return nil
}

// presenceBatch bounds the people of one question.
const presenceBatch = 1_000

// lastSeenTimeout bounds how long watchers wait for the time at which somebody was seen.
const lastSeenTimeout = 2 * time.Second

// presenceRounds is after how many comparisons those who are shown as offline are compared too.
const presenceRounds = 3

// people gives those who are watched and shown as online, or all who are watched.
func (w *watchers) people(all bool) []chat.UserID {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []chat.UserID
	for id, p := range w.by {
		if all || p.online {
			ids = append(ids, id)
		}
	}
	return ids
}

// shown reports whether watchers were told that somebody is online.
func (w *watchers) shown(id chat.UserID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.by[id]
	return p != nil && p.online
}
