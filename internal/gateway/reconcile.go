package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// userEvent takes an event of a person's own topic.
func (g *Gateway) userEvent(id chat.UserID, ev *chat.Event) {
	u := g.lookup(id)
	if u == nil {
		return
	}
	switch ev.Kind {
	case chat.EventMember:
		g.memberEvent(u, ev)
	case chat.EventRead:
		f := g.frame(wire.EventReceipt, ev.Data)
		u.each(func(c *conn) { c.send(f) })
	case chat.EventSession:
		g.sessionEvent(u, ev.Data)
	case chat.EventProfile:
		g.laterFor(u, func(ctx context.Context) { g.tellProfile(ctx, u) })
	case chat.EventConversation:
		g.conversationEvent(u, ev)
	case chat.EventBlock:
		g.blockEvent(u, ev)
	case chat.EventCallSignal:
		g.signalEvent(u, ev)
	default:
		g.unknownEvent(ev)
	}
}

// memberEvent takes an entry that made its person a member, or ended that, or
// changed their role.
func (g *Gateway) memberEvent(u *user, ev *chat.Event) {
	e, err := chat.DecodeEntry(ev.Data)
	if err != nil {
		g.opt.Logger.Error("decode member event", "user", u.id, "err", err)
		return
	}
	ch := change{id: e.ConversationID, seq: e.Seq, removal: e.Kind == chat.KindMemberRemoved}
	u.mu.Lock()
	if g.opt.Ahead {
		u.note(ch.id, ch.seq)
	}
	if l := u.loading; l != nil {
		if len(l.pending) <= maxPendingMembers {
			l.pending = append(l.pending, ch)
		}
		u.mu.Unlock()
		return
	}
	u.mu.Unlock()
	g.reconcileSoon(u, ch)
}

// change is a conversation in which a person's membership changed.
type change struct {
	id      chat.ConversationID
	seq     chat.Seq // of the entry that did it; zero if not known
	removal bool
	tries   int
}

// laterFor hands a job about a person to a worker. When too many wait their
// clients are told to ask for themselves.
func (g *Gateway) laterFor(u *user, job func(context.Context)) {
	if !g.later(job) {
		u.each(func(c *conn) { c.send(g.frames.resync) })
	}
}

const (
	// reconcileTries is after how many tries clients are told to look for themselves.
	reconcileTries = 20
	// stalePause and reconcilePause are the first pauses after a store that lags and
	// one that failed; they double.
	stalePause        = 25 * time.Millisecond
	reconcilePause    = 500 * time.Millisecond
	maxReconcilePause = 4 * time.Second
	// streamWait is how long a removal waits for the room's own stream to bring
	// the entry, so that it is the last thing the removed person gets.
	streamWait = 500 * time.Millisecond
)

func (g *Gateway) reconcileSoon(u *user, ch change) {
	g.laterFor(u, func(ctx context.Context) {
		err := g.reconcile(ctx, u, ch)
		if err == nil || ctx.Err() != nil || u.gone() {
			return
		}
		pause := reconcilePause
		if stale := errors.Is(err, errStale); stale {
			pause = stalePause
		} else {
			g.opt.Logger.Warn("read a changed membership", "user", u.id, "conversation", ch.id, "err", err)
		}
		pause = min(pause<<min(ch.tries, 10), maxReconcilePause)
		if ch.tries++; ch.tries == reconcileTries {
			u.each(func(c *conn) { c.send(g.frames.resync) })
		}
		time.AfterFunc(pause, func() { g.reconcileSoon(u, ch) })
	})
}

// errStale says that what the store shows is older than a change of members that
// is known: nothing can be concluded from it.
var errStale = errors.New("the store is behind a change of members")

// newer reports whether a room knows of a change of somebody's membership after a head.
func (g *Gateway) newer(user chat.UserID, id chat.ConversationID, head chat.Seq) bool {
	s := g.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[id]
	return r != nil && r.newer(user, head)
}

// membership reads a conversation as a person sees it, as of an entry that is
// known to change members, and of those that the room has seen change theirs.
func (g *Gateway) membership(ctx context.Context, user chat.UserID, id chat.ConversationID, known chat.Seq) (*chat.ConversationView, error) {
	view, err := g.ports.Views.Conversation(ctx, user, id)
	switch {
	case !g.opt.Ahead:
		return view, err //nolint:wrapcheck // the caller says who and where
	case err == nil && (view.Seq < known || g.newer(user, id, view.Seq)):
		return nil, errStale
	case !errors.Is(err, chat.ErrNotFound):
		return view, err //nolint:wrapcheck // as above
	}
	// Not a member, or not yet? Once the store has the change it is read again.
	heads, err := g.ports.Views.Heads(ctx, []chat.ConversationID{id})
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	if heads[id] < known || g.newer(user, id, heads[id]) {
		return nil, errStale
	}
	return g.ports.Views.Conversation(ctx, user, id) //nolint:wrapcheck // as above
}

// reconcile makes a person's place in a room what the store says, and shows
// their clients the conversation as it is now, or that it is gone. What was read is
// acted upon only if the room has not seen members change meanwhile.
func (g *Gateway) reconcile(ctx context.Context, u *user, ch change) error {
	for {
		before, last := g.membersAt(ch.id)
		view, err := g.membership(ctx, u.id, ch.id, max(ch.seq, u.lastChange(ch.id)))
		switch {
		case errors.Is(err, chat.ErrNotFound):
			if ch.removal {
				g.awaitStream(ctx, ch)
			}
			left, current := g.quit(u, ch.id, before)
			if !current {
				continue
			}
			if left {
				g.tellGone(u, ch.id)
			}
			return nil
		case err != nil:
			if ch.removal && errors.Is(err, errStale) {
				g.awaitStream(ctx, ch)
				before, last = g.membersAt(ch.id)
			}
			if ch.removal && last < ch.seq {
				// The entry said so, and nobody can say otherwise now: see nothing
				// rather than too much.
				if left, _ := g.quit(u, ch.id, before); left {
					g.tellGone(u, ch.id)
				}
			}
			return err //nolint:wrapcheck // the caller says who and where
		}
		was, err := g.join(ctx, u, view, ch)
		if err != nil {
			return err
		}
		if was {
			g.sendTo(u, wire.EventConversation, wire.ConversationOf(view))
			return nil
		}
	}
}

// membersAt gives the entry that changed the members of a room last, as far as
// it knows, and its last entry; zeros if there is no room.
func (g *Gateway) membersAt(id chat.ConversationID) (memberSeq, last chat.Seq) {
	s := g.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rooms[id]; r != nil {
		return r.memberSeq, r.last
	}
	return 0, 0
}

// awaitStream lets the room's own stream bring the removal first, for a moment.
func (g *Gateway) awaitStream(ctx context.Context, ch change) {
	g.request(ch.id, ch.seq)
	for end := g.opt.Now().Add(streamWait); g.opt.Now().Before(end); {
		if _, last := g.membersAt(ch.id); last == 0 || last >= ch.seq {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// join puts a live person into the room of a conversation that they were read to
// be a member of, and reports whether they were there before. Otherwise the
// conversation is to be read again: members may have changed since, and entries may
// have passed that neither the view shows nor the room will bring.
func (g *Gateway) join(ctx context.Context, u *user, view *chat.ConversationView, ch change) (bool, error) {
	id := view.Conversation.ID
	m := &chat.Membership{
		ConversationID: id, Kind: view.Kind, VisibleFrom: view.VisibleFrom, Head: view.Seq, Members: view.Members,
	}
	// A room that is new to this node begins with the entry that made the person a
	// member, so that everybody who is here gets what followed, in order.
	last := view.Seq
	if ch.seq > 0 && !ch.removal {
		last = min(last, max(ch.seq, view.VisibleFrom)-1)
	}
	u.mu.Lock()
	i, in := u.find(id)
	if in || u.state != userLive {
		u.mu.Unlock()
		return true, nil
	}
	if u.changed[id] > view.Seq { // since it was read
		u.mu.Unlock()
		return false, nil
	}
	if u.changed[id] == view.VisibleFrom { // the same, learned another way
		last = min(last, view.VisibleFrom-1)
	}
	r, deaf := g.enter(u, m, last)
	if r == nil {
		u.mu.Unlock()
		return false, nil
	}
	u.rooms = slices.Insert(u.rooms, i, r)
	u.mu.Unlock()
	if !deaf {
		return false, nil
	}
	if err := g.hear(ctx, []chat.Topic{conversationTopic(id)}); err != nil {
		g.abandon(u, id)
		return false, err
	}
	// What was committed between the reading and the hearing is in the store.
	g.demand(id)
	return false, nil
}

// quit takes a person out of a room and reports whether they were in. It does
// nothing, and current is false, if the room has seen members change since before.
func (g *Gateway) quit(u *user, id chat.ConversationID, before chat.Seq) (left, current bool) {
	u.mu.Lock()
	i, in := u.find(id)
	if !in {
		u.mu.Unlock()
		return false, true
	}
	r := u.rooms[i]
	if now, _ := g.membersAt(id); now != before {
		u.mu.Unlock()
		return false, false
	}
	topics := g.leave(u, r)
	u.mu.Unlock()
	g.unsubscribe(topics...)
	return true, true
}

// abandon takes a person out of a room that could not be heard.
func (g *Gateway) abandon(u *user, id chat.ConversationID) {
	u.mu.Lock()
	var topics []chat.Topic
	if i, in := u.find(id); in {
		topics = g.leave(u, u.rooms[i])
	}
	u.mu.Unlock()
	g.unsubscribe(topics...)
}

// tellProfile shows a person's own profile to their sockets after it changed.
func (g *Gateway) tellProfile(ctx context.Context, u *user) {
	a, err := g.ports.Service.Me(ctx, u.id)
	if err != nil {
		g.opt.Logger.Warn("read a changed profile", "user", u.id, "err", err)
		return
	}
	g.sendTo(u, wire.EventProfile, wire.Profile{User: wire.MeOf(a, g.opt.Limits)})
}

// reloadAll reads everybody's memberships again after events may have been lost,
// and tells all clients to catch up. One person after the other: the store is not to be
// overrun by a bus that comes and goes.
func (g *Gateway) reloadAll(ctx context.Context) {
	g.eachUser(func(u *user) {
		if ctx.Err() != nil {
			return
		}
		if err := g.reload(ctx, u); err != nil {
			g.againLater(ctx, u, err)
		}
		if err := g.rehide(ctx, u); err != nil {
			g.opt.Logger.Warn("read blocks again", "user", u.id, "err", err)
		}
		u.each(func(c *conn) { c.send(g.frames.resync) })
	})
}

// rehide ends what a person watches of those who are hidden from them now, and calls with them.
func (g *Gateway) rehide(ctx context.Context, u *user) error {
	ids, err := g.ports.People.Hidden(ctx, u.id)
	if err == nil {
		u.blocks.Add(1)
		g.hideFrom(u, ids)
		g.endCalls(u, ids)
	}
	return err //nolint:wrapcheck // wrapped by the caller
}

// reload finds the differences between a person's rooms and their memberships.
func (g *Gateway) reload(ctx context.Context, u *user) error {
	memberships, err := g.ports.Views.Memberships(ctx, u.id)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	should := make(map[chat.ConversationID]bool, len(memberships))
	for _, m := range memberships {
		should[m.ConversationID] = true
	}
	var differ []chat.ConversationID
	u.mu.Lock()
	for _, r := range u.rooms {
		if !should[r.id] {
			differ = append(differ, r.id)
		}
		delete(should, r.id)
	}
	u.mu.Unlock()
	for id := range should {
		differ = append(differ, id)
	}
	for _, id := range differ {
		if err := g.reconcile(ctx, u, change{id: id}); err != nil {
			return err
		}
	}
	return nil
}
