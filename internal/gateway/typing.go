package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

const (
	// typingLasts is how long somebody types who does not say it again.
	typingLasts = 6 * time.Second
	// typingRepeat is how often others are told that somebody still types.
	typingRepeat = 3 * time.Second
	// maxVolatile bounds the events that wait to be published; more are dropped.
	maxVolatile = 1_024
)

// typists are the people of this node who type, and what is to be told of them.
// It is never stored. Its size is bounded by the sockets' rates times typingLasts.
type typists struct {
	mu     sync.Mutex
	typing map[typingKey]typist
	out    chan chat.Event
}

type typingKey struct {
	user         chat.UserID
	conversation chat.ConversationID
}

type typist struct{ until, told time.Time }

func (t *typists) init() {
	t.typing = make(map[typingKey]typist)
	t.out = make(chan chat.Event, maxVolatile)
}

func (g *Gateway) typingSet(c *conn, p wire.TypingSet, r reply) {
	g.asMember(c, p.ConversationID, r, func() {
		g.setTyping(typingKey{c.user.id, p.ConversationID}, p.On, g.opt.Now())
		r.data(wire.Empty{})
	})
}

func (g *Gateway) setTyping(key typingKey, on bool, now time.Time) {
	g.types.mu.Lock()
	old, was := g.types.typing[key]
	tell := on != was
	if on {
		if was && now.Sub(old.told) >= typingRepeat {
			tell = true
		}
		told := old.told
		if tell {
			told = now
		}
		g.types.typing[key] = typist{until: now.Add(typingLasts), told: told}
	} else {
		delete(g.types.typing, key)
	}
	g.types.mu.Unlock()
	if tell {
		g.tellTyping(key, on)
	}
}

// tellTyping publishes, or drops what there is no room for: typing ends by
// itself on the clients too.
func (g *Gateway) tellTyping(key typingKey, on bool) {
	data, err := json.Marshal(wire.Typing{ConversationID: key.conversation, UserID: key.user, On: on})
	if err != nil {
		g.opt.Logger.Error("encode typing", "err", err)
		return
	}
	ev := chat.Event{Topic: conversationTopic(key.conversation), Kind: chat.EventTyping, From: key.user, Data: data}
	select {
	case g.types.out <- ev:
	default:
		g.stats.dropped.Add(1)
	}
}

// typingLoop publishes what the typists do, several at once when there are many.
func (g *Gateway) typingLoop(ctx context.Context) {
	for {
		var events []chat.Event
		select {
		case <-ctx.Done():
			return
		case ev := <-g.types.out:
			events = append(events, ev)
		}
		for len(events) < 64 && len(g.types.out) > 0 {
			events = append(events, <-g.types.out)
		}
		events = slices.DeleteFunc(events, func(ev chat.Event) bool { return g.keepsTyping(ctx, &ev) })
		if len(events) == 0 {
			continue
		}
		if err := g.ports.Bus.Publish(ctx, events); err != nil && ctx.Err() == nil {
			g.opt.Logger.Warn("publish typing", "err", err)
		}
	}
}

// endTyping ends the typing of those who did not say it again.
func (g *Gateway) endTyping(now time.Time) {
	var ended []typingKey
	g.types.mu.Lock()
	for key, t := range g.types.typing {
		if !now.Before(t.until) {
			delete(g.types.typing, key)
			ended = append(ended, key)
		}
	}
	g.types.mu.Unlock()
	for _, key := range ended {
		g.tellTyping(key, false)
	}
}

// stopTyping ends the typing of somebody whose last socket is gone.
func (g *Gateway) stopTyping(u *user) {
	if u.first.Load() != nil {
		return
	}
	var ended []typingKey
	g.types.mu.Lock()
	for key := range g.types.typing {
		if key.user == u.id {
			delete(g.types.typing, key)
			ended = append(ended, key)
		}
	}
	g.types.mu.Unlock()
	for _, key := range ended {
		g.tellTyping(key, false)
	}
}
