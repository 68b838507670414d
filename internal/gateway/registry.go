package gateway

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// attach puts an authenticated socket into the registry and returns when its
// person's rooms are joined: from then on everything that happens reaches it.
func (g *Gateway) attach(ctx context.Context, c *conn, id chat.UserID) error {
	for {
		u, mine := g.userFor(id)
		u.mu.Lock()
		switch {
		case u.state == userGone:
			u.mu.Unlock()
			continue
		case int(u.sockets) >= g.opt.MaxSocketsPerUser:
			u.mu.Unlock()
			return &chat.Error{
				Code: chat.CodeRateLimited, Reason: "too_many_connections", RetryAfter: time.Minute,
				Message: "You have too many open connections.",
			}
		}
		c.user = u
		u.link(c)
		back := u.absent
		u.absent = false
		var loaded chan struct{}
		if u.loading != nil {
			loaded = u.loading.done
		}
		u.mu.Unlock()
		if back {
			g.ports.Presence.Came(id)
		}
		if mine {
			if err := g.load(ctx, u); err != nil {
				return err
			}
		}
		if loaded != nil {
			select {
			case <-loaded:
			case <-ctx.Done():
				g.detach(c)
				return fmt.Errorf("wait for memberships: %w", ctx.Err())
			}
		}
		u.mu.Lock()
		live := u.state == userLive
		u.mu.Unlock()
		if live {
			return nil
		}
	}
}

// userFor gives the person's object; mine says that the caller made it and has to load it.
func (g *Gateway) userFor(id chat.UserID) (u *user, mine bool) {
	s := g.userShard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if u = s.users[id]; u != nil {
		return u, false
	}
	u = &user{id: id, loading: &loading{done: make(chan struct{})}}
	s.users[id] = u
	return u, true
}

// lookup gives a person who is here, else nil.
func (g *Gateway) lookup(id chat.UserID) *user {
	s := g.userShard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[id]
}

// load joins a person's rooms and makes them live. On error they are out of the
// registry again.
func (g *Gateway) load(ctx context.Context, u *user) error {
	heard, err := g.loadRooms(ctx, u)
	u.mu.Lock()
	loaded, pending := u.loading.done, u.loading.pending
	u.loading = nil
	var topics []chat.Topic
	if err == nil && len(pending) > maxPendingMembers {
		err = fmt.Errorf("more than %d changes while memberships were read: %w", maxPendingMembers, chat.ErrUnavailable)
	}
	if err == nil {
		u.state = userLive
	} else {
		topics = g.dropLocked(u)
	}
	u.mu.Unlock()
	close(loaded)
	if err != nil {
		if heard {
			topics = append(topics, userTopic(u.id))
		}
		g.unsubscribe(topics...)
		return err
	}
	g.ports.Presence.Came(u.id)
	if g.opt.Ahead {
		g.young.addUser(youngUser{user: u, due: g.opt.Now().Add(soonAge)})
	}
	// What changed meanwhile is settled before the socket is told that it is ready.
	for _, ch := range pending {
		if err := g.reconcile(ctx, u, ch); err != nil {
			g.reconcileSoon(u, ch)
		}
	}
	return nil
}

// loadRooms hears the person's own topic before it reads their memberships, so
// that a change which is committed meanwhile is in one or the other. heard says that
// the topic is subscribed to.
func (g *Gateway) loadRooms(ctx context.Context, u *user) (heard bool, err error) {
	if err := g.ports.Bus.Subscribe(ctx, userTopic(u.id)); err != nil {
		return false, fmt.Errorf("subscribe to user: %w", err)
	}
	if g.opt.Ahead {
		if err := g.ports.Service.Settled(ctx, u.id); err != nil {
			return true, fmt.Errorf("wait for memberships: %w", err)
		}
	}
	memberships, err := g.ports.Views.Memberships(ctx, u.id)
	if err != nil {
		return true, fmt.Errorf("read memberships: %w", err)
	}
	stale, topics := g.joinAll(u, memberships)
	if err := g.hear(ctx, topics); err != nil {
		return true, err
	}
	u.mu.Lock()
	u.loading.pending = append(u.loading.pending, stale...)
	u.mu.Unlock()
	return true, nil
}

// joinAll joins a person who is being loaded to all their rooms. It gives the
// conversations whose members have changed since they were read, and the topics to hear.
func (g *Gateway) joinAll(u *user, memberships []chat.Membership) (stale []change, topics []chat.Topic) {
	u.mu.Lock()
	defer u.mu.Unlock()
	slices.SortFunc(memberships, func(a, b chat.Membership) int {
		return bytes.Compare(a.ConversationID[:], b.ConversationID[:])
	})
	u.rooms = make([]*room, 0, len(memberships))
	for i := range memberships {
		m := &memberships[i]
		if u.changed[m.ConversationID] > m.Head {
			stale = append(stale, change{id: m.ConversationID})
			continue
		}
		r, deaf := g.enter(u, m, m.Head)
		if r == nil {
			stale = append(stale, change{id: m.ConversationID})
			continue
		}
		u.rooms = append(u.rooms, r)
		if deaf {
			topics = append(topics, conversationTopic(m.ConversationID))
		}
	}
	return stale, topics
}

// enter adds a user to a room, which is made if need be. It gives nil when the
// room has seen members change after the membership was read: read it again. deaf says
// that the conversation has to be subscribed to (see hear). last is where a room
// that has to be made begins. u.mu is held.
func (g *Gateway) enter(u *user, m *chat.Membership, last chat.Seq) (r *room, deaf bool) {
	s := g.shard(m.ConversationID)
	s.mu.Lock()
	defer s.mu.Unlock()
	r = s.rooms[m.ConversationID]
	if r == nil {
		r = &room{id: m.ConversationID, last: last, memberSeq: m.Head, changesFrom: m.Head, count: int32(min(m.Members, chat.MaxMembers))} //nolint:gosec // bounded
		s.rooms[r.id] = r
		g.stats.rooms.Add(1)
	} else if r.memberSeq > m.Head && (!g.opt.Ahead || r.newer(u.id, m.Head)) {
		return nil, false
	}
	r.add(u, m.VisibleFrom)
	if r.heard {
		return r, false
	}
	r.subscriptions++
	return r, true
}

// hear subscribes to conversations that were entered. On error nothing is left subscribed.
func (g *Gateway) hear(ctx context.Context, topics []chat.Topic) error {
	if len(topics) == 0 {
		return nil
	}
	err := g.ports.Bus.Subscribe(ctx, topics...)
	var heard []chat.ConversationID
	for _, t := range topics {
		id := chat.ConversationID(t.ID)
		s := g.shard(id)
		s.mu.Lock()
		if r := s.rooms[id]; r != nil {
			if err == nil {
				r.heard = true
				heard = append(heard, id)
			} else {
				r.subscriptions--
			}
		}
		s.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("subscribe to conversations: %w", err)
	}
	if g.opt.Ahead {
		g.young.addRooms(youngRooms{ids: heard, due: g.opt.Now().Add(soonAge)})
	}
	return nil
}

// leave takes a user out of a room, and the room out of the registry when nobody
// is left. It gives the topics to unsubscribe from, each as often as it was
// subscribed to. u.mu is held.
func (g *Gateway) leave(u *user, r *room) []chat.Topic {
	if i, ok := u.find(r.id); ok && u.rooms[i] == r {
		u.rooms = slices.Delete(u.rooms, i, i+1)
	}
	return g.exit(u, r)
}

func (g *Gateway) exit(u *user, r *room) (topics []chat.Topic) {
	s := g.shard(r.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.remove(u) || len(r.members) > 0 {
		return nil
	}
	delete(s.rooms, r.id)
	r.dead, r.work = true, nil
	g.stats.rooms.Add(-1)
	for range r.subscriptions {
		topics = append(topics, conversationTopic(r.id))
	}
	return topics
}

// detach takes a socket out. The person stays for a grace: a reload of the page
// neither costs a query nor makes them flicker.
func (g *Gateway) detach(c *conn) {
	u := c.user
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.unlink(c) {
		return
	}
	g.look(u, c, false)
	if u.sockets > 0 || u.state == userGone {
		return
	}
	now := g.opt.Now()
	u.idleSince = now.UnixNano()
	g.idle.add(u, now)
}

// dropIdle takes those out who have had no socket for longer than the grace. While
// the store is away they only count as gone: nobody could let them in again.
func (g *Gateway) dropIdle(now time.Time) {
	limit := now.Add(-g.opt.Grace)
	for _, u := range g.idle.due(limit) {
		u.mu.Lock()
		switch {
		case u.idleSince == 0 || u.idleSince > limit.UnixNano() || u.state == userGone:
			u.mu.Unlock() // back again, and perhaps in the list a second time
		case u.state == userLoading:
			u.mu.Unlock()
			g.idle.add(u, now)
		case g.opt.Away():
			left := !u.absent
			u.absent = true
			u.mu.Unlock()
			g.idle.add(u, now)
			if left {
				g.ports.Presence.Left(u.id)
			}
		default:
			topics := append(g.dropLocked(u), userTopic(u.id))
			left := !u.absent
			u.mu.Unlock()
			g.unsubscribe(topics...)
			if left {
				g.ports.Presence.Left(u.id)
			}
		}
	}
}

// dropLocked takes a person out of the registry and of all rooms. It gives the
// conversations' topics to unsubscribe from. u.mu is held.
func (g *Gateway) dropLocked(u *user) (topics []chat.Topic) {
	u.state = userGone
	for _, r := range u.rooms {
		topics = append(topics, g.exit(u, r)...)
	}
	u.rooms = nil
	s := g.userShard(u.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[u.id] == u {
		delete(s.users, u.id)
	}
	return topics
}

func (g *Gateway) unsubscribe(topics ...chat.Topic) {
	if len(topics) == 0 {
		return
	}
	if err := g.ports.Bus.Unsubscribe(g.ctx, topics...); err != nil {
		g.opt.Logger.Warn("unsubscribe", "err", err, "topics", len(topics))
	}
}

// eachUser calls fn for everyone who is here, without holding a lock.
func (g *Gateway) eachUser(fn func(*user)) {
	for i := range g.users {
		s := &g.users[i]
		s.mu.Lock()
		users := make([]*user, 0, len(s.users))
		for _, u := range s.users {
			users = append(users, u)
		}
		s.mu.Unlock()
		for _, u := range users {
			fn(u)
		}
	}
}

// Users gives everyone who is online on this node.
func (g *Gateway) Users() []chat.UserID {
	var ids []chat.UserID
	g.eachUser(func(u *user) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if !u.absent {
			ids = append(ids, u.id)
		}
	})
	return ids
}

// Heard reports whether a person is here and gives signs of life: one of their clients
// has answered its last ping, or may still do so within Options.Doubt. Who has vanished
// behind a dead link is not heard long before the connection counts as dead.
func (g *Gateway) Heard(id chat.UserID) bool {
	u := g.lookup(id)
	if u == nil {
		return false
	}
	heard := false
	u.each(func(c *conn) { heard = heard || g.answers(c) })
	return heard
}

func (g *Gateway) answers(c *conn) bool { return c.socket.Unanswered() <= g.opt.Doubt }

func userTopic(id chat.UserID) chat.Topic {
	return chat.Topic{Kind: chat.TopicUser, ID: id}
}

func conversationTopic(id chat.ConversationID) chat.Topic {
	return chat.Topic{Kind: chat.TopicConversation, ID: id}
}

func presenceTopic(id chat.UserID) chat.Topic {
	return chat.Topic{Kind: chat.TopicPresence, ID: id}
}
