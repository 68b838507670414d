package gateway

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
)

// lane runs jobs of one socket one after the other on the gateway's workers.
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

// commandLanes are the commands of a socket that wait: those of one conversation one behind
// the other. The map belongs to the socket's event handlers.
type commandLanes struct {
	of     map[chat.ConversationID]*lane
	behind atomic.Int32 // commands in all of them, at most maxWaiting
}

// lane gives that of a conversation, and forgets those in which nothing is left.
func (l *commandLanes) lane(id chat.ConversationID) *lane {
	if at := l.of[id]; at != nil {
		return at
	}
	for other, at := range l.of {
		if at.idle() {
			delete(l.of, other)
		}
	}
	if l.of == nil {
		l.of = make(map[chat.ConversationID]*lane)
	}
	at := &lane{}
	l.of[id] = at
	return at
}

// inOrder does a command after those that the socket sent to the conversation before. It
// runs at once unless it has to wait for the store, or others of the conversation do.
// It is false when there is no room, which r says then.
func (g *Gateway) inOrder(c *conn, id chat.ConversationID, waits bool, r reply, job func(context.Context)) bool {
	if !waits && c.more == nil {
		job(g.ctx)
		return true
	}
	commands := &c.extra().commands
	if at := commands.of[id]; !waits && (at == nil || at.idle()) {
		job(g.ctx)
		return true
	}
	guarded := r.guarded(job)
	if commands.behind.Add(1) <= maxWaiting && commands.lane(id).add(g, func(ctx context.Context) {
		defer commands.behind.Add(-1)
		guarded(ctx)
	}) {
		return true
	}
	commands.behind.Add(-1)
	r.fail(chat.ErrOverloaded)
	return false
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
