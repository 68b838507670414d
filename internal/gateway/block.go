package gateway

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// blockEvent takes that somebody blocks another person, or does so no longer.
// Neither sees the other's presence while it lasts; afterwards clients have to ask
// for it again.
func (g *Gateway) blockEvent(u *user, ev *chat.Event) {
	var b wire.Block
	if err := json.Unmarshal(ev.Data, &b); err != nil {
		g.opt.Logger.Error("decode block event", "user", u.id, "err", err)
		return
	}
	if ev.From == u.id { // only who blocks is told
		f := g.frame(wire.EventBlock, ev.Data)
		u.each(func(c *conn) { c.send(f) })
	}
	if b.On {
		u.blocks.Add(1) // before the look at who is watched: see watchPeople
		g.hideFrom(u, []chat.UserID{b.UserID})
		g.endCalls(u, []chat.UserID{b.UserID})
	}
}

// endCalls ends a person's calls with others of whom one blocks the other.
func (g *Gateway) endCalls(u *user, others []chat.UserID) {
	if g.ports.Calls == nil {
		return
	}
	for _, other := range others {
		g.ports.Calls.Removed(chat.DirectID(u.id, other), []chat.UserID{u.id})
	}
}

// conversationEvent shows a person's clients a conversation that changed for them alone.
func (g *Gateway) conversationEvent(u *user, ev *chat.Event) {
	var at struct {
		ConversationID chat.ConversationID `json:"conversation_id"`
	}
	if err := json.Unmarshal(ev.Data, &at); err != nil {
		g.opt.Logger.Error("decode conversation event", "user", u.id, "err", err)
		return
	}
	if u.room(at.ConversationID) != nil {
		g.reconcileSoon(u, change{id: at.ConversationID})
	}
}

// hideFrom ends that a person's sockets watch some people, and shows these as
// somebody of whom nothing is known.
func (g *Gateway) hideFrom(u *user, ids []chat.UserID) {
	for _, id := range ids {
		var watching []*conn
		g.watch.mu.Lock()
		if p := g.watch.by[id]; p != nil {
			for _, c := range p.conns {
				if c.user == u {
					watching = append(watching, c)
				}
			}
		}
		g.watch.mu.Unlock()
		for _, c := range watching {
			g.dropWatched(c, id)
		}
	}
}

func (g *Gateway) dropWatched(c *conn, id chat.UserID) {
	data, err := json.Marshal(wire.Presence{UserID: id})
	if err != nil {
		g.opt.Logger.Error("encode presence", "user", id, "err", err)
		return
	}
	w := &c.more.watch
	w.mu.Lock()
	i := slices.Index(w.ids, id)
	if i >= 0 {
		w.ids = slices.Delete(slices.Clone(w.ids), i, i+1)
		g.watch.mu.Lock()
		g.watch.remove(c, []chat.UserID{id})
		g.watch.mu.Unlock()
		if f := g.frame(wire.EventPresence, data); w.holding {
			w.held = append(w.held, f)
		} else {
			c.send(f)
		}
	}
	w.mu.Unlock()
	if i >= 0 {
		g.unsubscribeSoon(presenceTopics([]chat.UserID{id}))
	}
}

// hidden gives whom a person does not see, and who does not see them.
func (g *Gateway) hidden(ctx context.Context, user chat.UserID) (map[chat.UserID]bool, error) {
	ids, err := g.ports.People.Hidden(ctx, user)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it was for
	}
	out := make(map[chat.UserID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}

// keepsTyping reports whether the other person of a direct conversation is not to
// know that somebody types. It reads the store for small conversations only.
func (g *Gateway) keepsTyping(ctx context.Context, ev *chat.Event) bool {
	s := g.shard(ev.Topic.ID)
	s.mu.Lock()
	r := s.rooms[ev.Topic.ID]
	direct := r == nil || r.count <= 2
	s.mu.Unlock()
	if !direct {
		return false
	}
	ids, err := g.ports.People.Hidden(ctx, ev.From)
	if err != nil {
		return true // who cannot be asked is told nothing
	}
	return slices.ContainsFunc(ids, func(id chat.UserID) bool { return chat.DirectID(ev.From, id) == ev.Topic.ID })
}
