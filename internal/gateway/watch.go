package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// watchers says which sockets watch whose presence.
type watchers struct {
	mu sync.Mutex
	by map[chat.UserID][]*conn
}

func (w *watchers) init() { w.by = make(map[chat.UserID][]*conn) }

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
	visible := make([]chat.UserID, 0, len(seen))
	for id := range seen {
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
		g.watch.by[id] = append(g.watch.by[id], c)
	}
	return old, true
}

// remove takes a socket out. mu is held.
func (w *watchers) remove(c *conn, ids []chat.UserID) {
	for _, id := range ids {
		conns := w.by[id]
		if i := slices.Index(conns, c); i >= 0 {
			conns = slices.Delete(slices.Clone(conns), i, i+1)
		}
		if len(conns) == 0 {
			delete(w.by, id)
		} else {
			w.by[id] = conns
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
	g.watch.mu.Lock()
	conns := g.watch.by[id] // replaced, never changed in place, except by appending
	g.watch.mu.Unlock()
	if len(conns) == 0 {
		return
	}
	f := g.frame(wire.EventPresence, json.RawMessage(events[len(events)-1].Data))
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
