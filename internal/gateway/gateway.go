package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// Gateway serves the sockets of one node. It implements the part of chat.Sink
// that delivers. Safe for concurrent use.
type Gateway struct {
	ctx   context.Context // ends with the gateway; for work that no caller waits for
	ports Ports
	opt   Options

	rooms [shardCount]roomShard
	users [shardCount]userShard
	idle  idleList
	fills fillQueue
	young young
	work  chan func(context.Context)
	watch watchers
	types typists
	seats seats
	stats counters

	throttle *throttle

	frames struct{ resync, revoked *socketio.Frame }

	draining atomic.Bool
	pending  atomic.Int64 // commands whose outcome is not known yet
	resyncs  chan struct{}
}

// New makes a gateway. ctx ends its background work; nothing happens before Run.
func New(ctx context.Context, ports Ports, opt Options) (*Gateway, error) {
	g := &Gateway{ctx: ctx, ports: ports, opt: opt.withDefaults(), resyncs: make(chan struct{}, 1)}
	g.fills.wake = make(chan struct{}, 1)
	g.work = make(chan func(context.Context), g.opt.WorkQueue)
	for i := range g.rooms {
		g.rooms[i].rooms = make(map[chat.ConversationID]*room)
		g.users[i].users = make(map[chat.UserID]*user)
	}
	g.throttle = newThrottle(&g.opt)
	g.watch.init()
	g.types.init()
	g.seats.init()
	var err error
	if g.frames.resync, err = socketio.NewFrame(wire.EventResync, json.RawMessage(`{}`)); err != nil {
		return nil, fmt.Errorf("encode resync: %w", err)
	}
	if g.frames.revoked, err = socketio.NewFrame(wire.EventSessionRevoked, json.RawMessage(`{}`)); err != nil {
		return nil, fmt.Errorf("encode session.revoked: %w", err)
	}
	return g, nil
}

// Run does the gateway's background work until ctx ends.
func (g *Gateway) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	start := func(loop func(context.Context)) {
		wg.Go(func() { loop(ctx) })
	}
	for range fillers {
		start(g.fillLoop)
	}
	for range g.opt.Workers {
		start(g.workLoop)
	}
	start(g.tickLoop)
	start(g.typingLoop)
	start(g.headLoop)
	start(g.sessionLoop)
	start(g.presenceLoop)
	wg.Wait()
	return nil
}

// workLoop runs what has to wait for the store.
func (g *Gateway) workLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-g.work:
			g.guard(func() { job(ctx) })
		}
	}
}

// later hands a job to a worker; false when too many wait.
func (g *Gateway) later(job func(context.Context)) bool {
	select {
	case g.work <- job:
		return true
	default:
		g.stats.refused.Add(1)
		return false
	}
}

// guard survives a panic: it must not take other people's sockets with it.
func (g *Gateway) guard(fn func()) {
	defer func() {
		if v := recover(); v != nil {
			g.stats.panics.Add(1)
			g.opt.Logger.Error("background job panicked", "panic", v)
		}
	}()
	fn()
}

// tickLoop does what is due a few times a second.
func (g *Gateway) tickLoop(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := g.opt.Now()
			g.dropIdle(now)
			g.endTyping(now)
			g.settle(now)
		}
	}
}

// headLoop compares heads with the store, now and then and when the bus says so.
// What the bus says several times in a row is done once more, not several times.
func (g *Gateway) headLoop(ctx context.Context) {
	tick := time.NewTicker(g.opt.HeadCheck)
	defer tick.Stop()
	deaf := time.NewTicker(deafCheck)
	defer deaf.Stop()
	for next := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			next = g.compare(ctx, next, g.opt.HeadCheckRooms)
		case <-deaf.C:
			if !g.opt.Whole() {
				g.compare(ctx, 0, math.MaxInt)
			}
		case <-g.resyncs:
			g.compare(ctx, 0, math.MaxInt)
			g.reloadAll(ctx)
			select {
			case <-ctx.Done():
				return
			case <-time.After(resyncPause):
			}
		}
	}
}

// deafCheck is how often heads are compared while the bus does not bring everything:
// people on other nodes are heard by that.
const deafCheck = time.Second

// resyncPause is the least time between two times that everything is read again.
const resyncPause = time.Second

func (g *Gateway) compare(ctx context.Context, start, limit int) (next int) {
	next, err := g.checkHeads(ctx, start, limit)
	if err != nil && ctx.Err() == nil {
		g.opt.Logger.Warn("compare heads", "err", err)
	}
	return next
}

// Resync implements chat.Sink: events may have been lost. Rooms are compared with
// the store, memberships are read again, and clients are told.
func (g *Gateway) Resync() {
	g.stats.resyncs.Add(1)
	select {
	case g.resyncs <- struct{}{}:
	default: // one is due already
	}
}

// unsubscribeSoon is unsubscribe for callers that must not wait.
func (g *Gateway) unsubscribeSoon(topics []chat.Topic) {
	if len(topics) == 0 {
		return
	}
	if !g.later(func(context.Context) { g.unsubscribe(topics...) }) {
		g.unsubscribe(topics...)
	}
}
