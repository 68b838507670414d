package gateway

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// Drain begins the end of the node: new sockets are refused, every client is told
// to come back after a pause of its own, and Drain waits until the outcome of every
// command is known and acknowledged, or ctx ends. It gives how many were not.
// The Socket.IO server is to be shut down next.
func (g *Gateway) Drain(ctx context.Context) (unanswered int64) {
	g.draining.Store(true)
	g.eachUser(func(u *user) {
		u.each(func(c *conn) {
			after := rand.N(g.opt.ReconnectSpread) //nolint:gosec // spreading needs no secrecy
			f, err := socketio.NewFrame(wire.EventReconnect, wire.Reconnect{AfterMS: int(after.Milliseconds())})
			if err != nil {
				g.opt.Logger.Error("encode reconnect", "err", err)
				return
			}
			c.send(f)
		})
	})
	for g.pending.Load() > 0 {
		select {
		case <-ctx.Done():
			return g.pending.Load()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return 0
}

// Draining reports whether Drain was called.
func (g *Gateway) Draining() bool { return g.draining.Load() }
