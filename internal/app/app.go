package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/api"
	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/call"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/sequencer"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/turn"
	"github.com/parley-chat/parley/internal/worker"
	"github.com/parley-chat/parley/socketio"
)

// App is one node. Open makes it, Run serves, Close gives everything back.
type App struct {
	cfg    *config.Config
	logger *slog.Logger
	node   string

	store    *sqlstore.Store
	blobs    *blob.Store
	carriers *carriers
	service  *service.Service
	gateway  *gateway.Gateway
	sockets  *socketio.Server
	metrics  *meters
	readings []reading // of the parts that this node has, besides those of every node
	workers  []func(context.Context) error
	own      func(context.Context) error
	handler  http.Handler
	listener *net.TCPListener
	operator net.Listener // of metrics; nil: none
	relay    *turn.Server // of calls; nil: none
	ice      *turn.Issuer

	ready    atomic.Bool
	closing  sync.Once
	closeErr error
	life     context.Context // of work that no caller waits for
	end      context.CancelFunc
}

// Open puts a node together: it listens, reaches every part and brings the schema up
// to date, but serves nobody before Run; meanwhile it answers that it is not ready.
// The caller must Close it. An error says in one sentence which part could not be had.
//
//nolint:funlen // the whole wiring in one place is the point
func Open(ctx context.Context, cfg *config.Config, logger *slog.Logger) (_ *App, err error) {
	a := &App{cfg: cfg, logger: logger, node: cfg.Node}
	if a.node == "" {
		a.node = rand.Text()[:12]
	}
	a.life, a.end = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := checkSettings(cfg); err != nil {
		return nil, err
	}

	if err := a.listen(ctx); err != nil {
		return nil, err
	}
	lobby := openLobby(a.listener, logger)
	defer func() { err = errors.Join(err, lobby.close()) }()

	// What is remembered.
	if a.store, err = a.awaitStore(ctx, lobby); err != nil {
		return nil, err
	}
	if a.blobs, err = openBlobs(ctx, cfg, logger); err != nil {
		return nil, err
	}
	secret, err := openSecret(cfg)
	if err != nil {
		return nil, err
	}

	// What carries: commands to their owner, events to the sockets.
	lost := func(outcomes []chat.Outcome) { a.service.Outcomes(outcomes) } // nothing is appended before there is one
	if a.carriers, err = openCarriers(ctx, cfg, logger, lost); err != nil {
		return nil, err
	}
	log, bus := a.carriers.log, a.carriers.bus
	a.metrics = newMeters()
	if a.carriers.kafka != nil {
		a.carriers.kafka.Measure(a.metrics.appending)
	}
	owner := sequencer.New(a.store, bus, sequencer.Options{
		Now: wallClock, Logger: logger, Metrics: a.metrics.sequencer(), Ahead: a.carriers.ahead, Feed: a.carriers.feed,
	})
	a.readings = append(a.carriers.readings, lagReadings(owner)...)
	var calls *call.Coordinator
	inCall := func(ctx context.Context, user chat.UserID) (bool, error) { return calls.InCall(ctx, user) }
	if a.relay, a.ice, err = openRelay(ctx, cfg, secret, logger, inCall); err != nil {
		return nil, err
	}
	if a.relay != nil {
		a.readings = append(a.readings, relayReadings(a.relay)...)
	}
	a.own = func(ctx context.Context) error { return log.Own(ctx, owner.Own) }

	// What decides and does.
	receipts := worker.NewReceipts(a.store, bus, wallClock, logger)
	var told *service.Told // what the store may not have yet
	if a.carriers.ahead {
		told = service.NewTold(a.store)
		receipts.Expect(told)
	}
	ear := &sink{}
	ended := worker.NewEnded(a.store, ear.Deliver, wallClock, logger)
	away := func() bool { return a.carriers.kafka != nil && ended.Away() } // else nothing could go on without it
	pushes, keys, err := openPush(ctx, cfg, a.store)
	if err != nil {
		return nil, err
	}
	if a.service, err = service.New(service.Deps{
		Log: log, Bus: bus, Views: a.store, Accounts: a.store, Sessions: a.store, Files: a.store, Searcher: a.store, People: a.store, Pushes: a.store, Push: pushes,
		Limiter: a.carriers.limiter, Receipts: receipts, Told: told, Blobs: a.blobs,
		Clock: wallClock, Rand: rand.Reader, Node: a.node, Secret: secret,
		Signup: service.Signup(cfg.Signup), Limits: serviceLimits(cfg), Logger: logger,
		Informed: func() bool { return a.carriers.whole() || ended.Informed() }, Away: away,
	}); err != nil {
		return nil, fmt.Errorf("make the service: %w", err)
	}
	presence := worker.NewPresence(worker.PresenceDeps{
		Leases: a.carriers.leases, Seen: a.store, Bus: bus, Node: a.node, Now: wallClock, Logger: logger,
		Local: func() []chat.UserID { return a.gateway.Users() }, Heard: func(id chat.UserID) bool { return a.gateway.Heard(id) },
	})
	attention := worker.NewPresence(worker.PresenceDeps{
		Leases: a.carriers.looks, Node: a.node, Now: wallClock, Logger: logger,
		Local: func() []chat.UserID { return a.gateway.Looking() }, Heard: func(id chat.UserID) bool { return a.gateway.HeardLooking(id) },
	})
	bell, rings := a.bell(keys, func(ctx context.Context, c *chat.Call, users []chat.UserID) error { return calls.Rang(ctx, c, users) })
	calls = call.New(call.Deps{
		Board: a.carriers.calls, Bus: bus, Log: callLog{a.service}, Deliver: func(events []chat.Event) { a.gateway.Deliver(events) },
		Bell: rings, Now: wallClock, Logger: logger,
	})
	a.readings = append(a.readings, callReadings(calls)...)
	edge := api.NewEdge(cfg.PublicURL.URL, cfg.TrustedProxies.Contains)
	limits := wireLimits(cfg)
	if a.gateway, err = gateway.New(a.life, gateway.Ports{
		Service: a.service, Views: a.store, People: a.store, Online: a.carriers.leases, Presence: presence, Attention: attention, Bus: bus, Calls: calls,
	}, gateway.Options{
		Node: a.node, Logger: logger, Now: wallClock, Limits: limits, FrameBytes: limits.FrameBytes,
		MaxSocketsPerUser: cfg.UserConnections, HeadCheckRooms: headCheckRooms(cfg), ReconnectSpread: cfg.ReconnectSpread,
		Ahead: a.carriers.ahead, Whole: a.carriers.whole, Away: away,
		ICE:          func(user chat.UserID) chat.ICE { return a.ice.ICE(user, wallClock()) },
		RequestToken: edge.CookieToken, RequestAddress: edge.Address, ObserveDelivery: a.metrics.delivery.Observe,
	}); err != nil {
		return nil, fmt.Errorf("make the gateway: %w", err)
	}
	ear.service, ear.gateway = a.service, a.gateway
	bus.Attach(a.node, ear)

	// What people talk to.
	options := a.gateway.ServerOptions(allowOrigins(edge, cfg.AllowedOrigins))
	options.Engine.CORS = corsFor(cfg.AllowedOrigins)
	a.sockets = socketio.NewServer(options)
	a.gateway.Register(a.sockets)
	a.metrics.watch(a)
	if a.handler, err = api.New(api.Deps{
		Service: a.service, Edge: edge, SocketIO: a.sockets, Web: webFiles(), Checks: a.checks(), Limits: limits,
		Signup: service.Signup(cfg.Signup), TrustedOrigins: cfg.AllowedOrigins, Version: Version(), Clock: wallClock, Logger: logger,
		Observe: a.metrics.answered,
	}); err != nil {
		return nil, fmt.Errorf("make the web interface: %w", err)
	}
	a.workers = []func(context.Context) error{receipts.Run, presence.Run, attention.Run, a.gateway.Run, calls.Run, ended.Run, a.maintain, a.index}
	if keys != nil {
		a.workers = append(a.workers, a.pusher(keys).Run, bell.Run)
	}
	if a.relay != nil {
		a.workers = append(a.workers, a.relay.Run)
	}
	for _, p := range a.periodic() {
		a.workers = append(a.workers, p.Run)
	}
	return a, nil
}

// maintain keeps the store fast. Trouble with it is told, and ends nothing: what
// is wrong with the disk, commits will say.
func (a *App) maintain(ctx context.Context) error {
	a.store.Maintain(ctx, func(err error) { a.logger.Warn("the store could not be maintained", "error", err) })
	return nil
}

// index keeps what was said findable.
func (a *App) index(ctx context.Context) error {
	a.store.Index(ctx, func(err error) { a.logger.Warn("messages could not be indexed", "error", err) })
	return nil
}
