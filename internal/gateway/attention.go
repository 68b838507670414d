package gateway

import (
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// attention notes whether somebody looks at the client behind a socket.
func (g *Gateway) attention(c *conn, p wire.Attention, r reply) {
	if err := g.allow(c); err != nil {
		r.fail(err)
		return
	}
	u := c.user
	u.mu.Lock()
	here := false
	u.each(func(other *conn) { here = here || other == c })
	if here { // else the socket has ended, and with it what it said
		g.look(u, c, p.On)
	}
	u.mu.Unlock()
	r.data(wire.Empty{})
}

// look changes whether somebody looks at a client, and tells of the first that begins
// and the last that ends. u.mu is held.
func (g *Gateway) look(u *user, c *conn, on bool) {
	before := len(u.looked) > 0
	switch {
	case !on:
		delete(u.looked, c)
	case u.looked == nil:
		u.looked = map[*conn]struct{}{c: {}}
	default:
		u.looked[c] = struct{}{}
	}
	switch after := len(u.looked) > 0; {
	case after && !before:
		g.ports.Attention.Came(u.id)
	case before && !after:
		u.looked = nil
		g.ports.Attention.Left(u.id)
	}
}

// Looking gives everyone who looks at a client on this node.
func (g *Gateway) Looking() []chat.UserID {
	var ids []chat.UserID
	g.eachUser(func(u *user) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if len(u.looked) > 0 {
			ids = append(ids, u.id)
		}
	})
	return ids
}

// HeardLooking is Heard for the clients that somebody looks at.
func (g *Gateway) HeardLooking(id chat.UserID) bool {
	u := g.lookup(id)
	if u == nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.looked {
		if g.answers(c) {
			return true
		}
	}
	return false
}
