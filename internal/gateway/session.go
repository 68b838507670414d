package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// sessionEvent ends the sockets of a session that was revoked, or all of a person.
func (g *Gateway) sessionEvent(u *user, data []byte) {
	var revoked struct {
		SessionID string `json:"session_id"`
	}
	if err := json.Unmarshal(data, &revoked); err != nil {
		g.opt.Logger.Error("decode session event", "user", u.id, "err", err)
		return // nobody else could say which; the next recheck ends it
	}
	u.each(func(c *conn) {
		if revoked.SessionID == "" || c.session.SessionID.String() == revoked.SessionID {
			g.revoke(c)
		}
	})
}

// revoke tells a socket that its session has ended and disconnects it. Nothing
// reaches it after that, and its library does not connect again by itself.
func (g *Gateway) revoke(c *conn) {
	before := c.flags.Or(connGone | connRevoked)
	if g.ports.Calls != nil {
		g.unseat(c)
	}
	if before&connGone != 0 {
		return
	}
	g.stats.revoked.Add(1)
	c.socket.DisconnectWith(g.frames.revoked)
}

// recheck looks a socket's session up in the store and ends what is over.
func (g *Gateway) recheck(ctx context.Context, c *conn) {
	if c.flags.Load()&connGone != 0 {
		return
	}
	err := g.ports.Service.Recheck(ctx, c.session)
	switch {
	case err == nil:
	case errors.Is(err, chat.ErrUnauthenticated):
		g.revoke(c)
	case ctx.Err() == nil:
		g.opt.Logger.Warn("look a session up", "err", err) // the next round tries again
	}
}

// sessionLoop looks all sockets' sessions up, one round in each SessionCheck,
// spread over that time: a revocation whose event was lost ends here.
func (g *Gateway) sessionLoop(ctx context.Context) {
	const steps = shardCount
	tick := time.NewTicker(max(g.opt.SessionCheck/steps, time.Millisecond))
	defer tick.Stop()
	for step := 0; ; step = (step + 1) % steps {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, u := range g.usersOf(step) {
			u.each(func(c *conn) { g.recheck(ctx, c) })
		}
	}
}

func (g *Gateway) usersOf(shard int) []*user {
	s := &g.users[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	users := make([]*user, 0, len(s.users))
	for _, u := range s.users {
		users = append(users, u)
	}
	return users
}
