package gateway

import (
	"context"
	"fmt"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// lane runs the jobs of one socket one after the other on the gateway's workers.
// It is bounded by maxWaiting.
type lane struct {
	mu   sync.Mutex
	jobs []func(context.Context)
	busy bool
}

// idle reports whether nothing runs or waits.
func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.busy
}

// add puts a job behind the others; false when there is no room.
func (l *lane) add(g *Gateway, job func(context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.jobs) >= maxWaiting {
		return false
	}
	if !l.busy {
		if !g.later(func(ctx context.Context) { l.run(ctx, g) }) {
			return false
		}
		l.busy = true
	}
	l.jobs = append(l.jobs, job)
	return true
}

func (l *lane) run(ctx context.Context, g *Gateway) {
	for {
		l.mu.Lock()
		if len(l.jobs) == 0 {
			l.busy, l.jobs = false, nil
			l.mu.Unlock()
			return
		}
		job := l.jobs[0]
		l.jobs = l.jobs[1:]
		l.mu.Unlock()
		g.guard(func() { job(ctx) })
	}
}

// inOrder does a command after those that the socket sent before. It runs at once
// unless it has to wait for the store, or others of the socket do.
func (g *Gateway) inOrder(c *conn, waits bool, r reply, job func(context.Context)) {
	if !waits && (c.more == nil || c.more.commands.idle()) {
		job(g.ctx)
		return
	}
	if !c.extra().commands.add(g, r.guarded(job)) {
		r.fail(chat.ErrOverloaded)
	}
}

// wait does a request that has to wait for the store, in no order.
func (g *Gateway) wait(c *conn, r reply, job func(context.Context)) {
	if c.waiting.Add(1) > maxWaiting {
		c.waiting.Add(-1)
		r.fail(chat.ErrOverloaded)
		return
	}
	guarded := r.guarded(job)
	if !g.later(func(ctx context.Context) {
		defer c.waiting.Add(-1)
		guarded(ctx)
	}) {
		c.waiting.Add(-1)
		r.fail(chat.ErrOverloaded)
	}
}

// guarded answers internal where a job panics, and lets the panic be counted.
func (r reply) guarded(job func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		defer func() {
			if v := recover(); v != nil {
				r.fail(fmt.Errorf("handler panicked: %v", v))
				panic(v)
			}
		}()
		job(ctx)
	}
}
