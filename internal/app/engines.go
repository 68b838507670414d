package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/api"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/kafka"
	"github.com/parley-chat/parley/internal/redis"
	"github.com/parley-chat/parley/internal/sequencer"
)

const (
	// logBound is how many commands may wait in the embedded log; more are refused.
	logBound = 1 << 16
	// busBound is how many events may wait in the embedded bus; more are dropped
	// and heads compared.
	busBound = 1 << 17
	// limiterKeys is how many people and addresses a node's own limiter remembers.
	limiterKeys = 100_000
	// openTimeout is how long the start waits for a part that is elsewhere to answer.
	openTimeout = 30 * time.Second
	// busTimeout is how long it waits for the bus.
	busTimeout = 5 * time.Second
)

// carriers are what commands and events travel by, in this process or out of it.
type carriers struct {
	log     chat.Log
	bus     chat.Bus
	leases  chat.Presence // who has a socket
	looks   chat.Presence // who looks at a client
	limiter chat.Limiter
	calls   chat.CallBoard

	// whole reports whether the bus brings everything that other nodes publish.
	whole func() bool
	// drain waits until the log has taken, and where it is this process also
	// committed, everything that was appended.
	drain func(context.Context) error
	// closers give everything back, in this order.
	closers  []func() error
	checks   []api.Check
	readings []reading
	kafka    *kafka.Log // nil: the log is in this process
	// ahead reports that the log keeps what it took, so that owners need not wait for
	// the store; feed is where entries go to other services, if anywhere.
	ahead bool
	feed  sequencer.Feed
}

// openCarriers reaches the log and the bus. A node of a cluster begins without those
// that cannot be reached, and does what it can: it reads without the log, and without
// the bus it is alone with those on it. Lost is told of commands that the log
// did not take after all. Some carriers may have to be closed even after an error.
func openCarriers(ctx context.Context, cfg *config.Config, logger *slog.Logger, lost func([]chat.Outcome)) (*carriers, error) {
	c := &carriers{whole: func() bool { return true }}
	answered, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := c.openLog(answered, cfg, logger, lost); err != nil {
		return c, fmt.Errorf("open the log: %w", err)
	}
	heard, stop := context.WithTimeout(ctx, busTimeout)
	defer stop()
	reach := redis.Open
	if many(cfg) {
		reach = func(ctx context.Context, at *redis.Config) (*redis.Client, error) {
			return redis.Await(ctx, at, logger)
		}
	}
	if err := c.openBus(heard, cfg, logger, reach); err != nil {
		return c, fmt.Errorf("open the bus: %w", err)
	}
	return c, nil
}

func (c *carriers) openLog(ctx context.Context, cfg *config.Config, logger *slog.Logger, lost func([]chat.Outcome)) error {
	if cfg.Log == "memory" {
		log := inproc.NewLog("memory", logBound)
		c.log, c.drain = log, log.Drain
		c.readings = append(c.readings,
			gauge("log_waiting", "Records that wait for their owner on this node.", func(*readings) float64 { return float64(log.Waiting()) }))
		return nil
	}
	at, err := kafka.ParseURL(cfg.Log)
	if err != nil {
		return fmt.Errorf("%w: %w", errSetting, err)
	}
	options, open := kafka.Options{Logger: logger, Lost: lost}, kafka.Await
	if !many(cfg) {
		open = kafka.Open
		if options.Alone, err = kept(cfg, aloneFile); err != nil {
			return err
		}
	}
	log, err := open(ctx, at, options)
	if err != nil {
		return err //nolint:wrapcheck // names the part
	}
	c.log, c.kafka, c.ahead, c.feed = log, log, log.Durable(), log
	c.drain = func(ctx context.Context) error { return flushed(ctx, log) }
	c.closers = append(c.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		return log.Close(ctx)
	})
	c.checks = append(c.checks, api.Check{Name: "log", Ping: log.Ping, Spare: carriesOn})
	c.readings = append(c.readings, kafkaReadings(log)...)
	return nil
}

const (
	// closeTimeout is how long records that nobody waits for any more may take to leave.
	closeTimeout = 3 * time.Second
	// carriesOn is what a node of a cluster needs one of: without the store it still
	// takes and delivers messages of warm conversations, without the log it still
	// answers for what was said. Without both it is cut off.
	carriesOn = "store or log"
)

// flushed waits until the brokers have every record that was appended, or its sender was
// told that they do not.
func flushed(ctx context.Context, log *kafka.Log) error {
	for log.Stats().Awaited > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("hand over what was appended: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// reachRedis is redis.Open, or a more patient one.
type reachRedis func(context.Context, *redis.Config) (*redis.Client, error)

func (c *carriers) openBus(ctx context.Context, cfg *config.Config, logger *slog.Logger, reach reachRedis) error {
	alone := inproc.NewLimiter(wallClock, limiterKeys)
	if cfg.Bus == "memory" {
		bus := inproc.NewBus(1, busBound)
		c.bus, c.leases, c.looks, c.limiter = bus, inproc.NewPresence(), inproc.NewPresence(), alone
		c.calls = inproc.NewCallBoard(wallClock, callBound)
		c.closers = append(c.closers, bus.Close)
		c.readings = append(c.readings,
			gauge("bus_subscriptions", "Topics this node hears.", func(*readings) float64 { return float64(bus.Subscriptions()) }),
			total("bus_dropped", "Events that the bus dropped.", func(*readings) float64 { return float64(bus.Dropped()) }))
		return nil
	}
	client, err := openRedis(ctx, cfg, reach)
	if err != nil {
		return err
	}
	bus, err := redis.NewBus(ctx, client, redis.BusOptions{Logger: logger})
	if err != nil {
		client.Close()
		return err //nolint:wrapcheck // names the part
	}
	limiter := redis.NewLimiter(client, alone, logger)
	c.bus, c.leases, c.looks, c.limiter, c.whole = bus, redis.NewPresence(client), redis.NewAttention(client), limiter, bus.Whole
	c.calls = redis.NewCallBoard(client)
	c.closers = append(c.closers, bus.Close, func() error {
		client.Close()
		return nil
	})
	c.checks = append(c.checks, api.Check{Name: "bus", Ping: client.Ping, Minor: true})
	c.readings = append(c.readings, redisReadings(bus, limiter)...)
	return nil
}

func openRedis(ctx context.Context, cfg *config.Config, reach reachRedis) (*redis.Client, error) {
	at, err := redis.ParseURL(cfg.Bus)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSetting, err)
	}
	return reach(ctx, at)
}

// close gives back what was opened.
func (c *carriers) close() error {
	var errs []error
	for _, closePart := range c.closers {
		errs = append(errs, closePart())
	}
	return errors.Join(errs...)
}

// many reports whether other nodes can serve beside this one: everything that they
// have to share is out of the process.
func many(cfg *config.Config) bool { return len(ownParts(cfg)) == 0 }

// ownParts names the settings that make a node the only one.
func ownParts(cfg *config.Config) []string {
	var own []string
	for _, p := range []struct{ name, value, only string }{
		{"store", cfg.Store, "sqlite"}, {"log", cfg.Log, "memory"}, {"bus", cfg.Bus, "memory"},
	} {
		if p.value == p.only {
			own = append(own, "--"+p.name+" "+p.only)
		}
	}
	return own
}

// errAlone tells a node that must be the only one, or meets one that must, by way of
// what the two share.
func errAlone(cfg *config.Config, what string) error {
	need := "several nodes need --store postgres://…, --log kafka://… and --bus redis://…, each of them the same one"
	if own := ownParts(cfg); len(own) > 0 {
		return fmt.Errorf("another node uses the same %s, and this one has %s: %s", what, strings.Join(own, " and "), need)
	}
	return fmt.Errorf("another node uses the same %s and has a store, a log or a bus of its own: %s", what, need)
}

// checkSettings refuses settings that do not go together, before anything is reached.
func checkSettings(cfg *config.Config) error {
	if scheme, _, _ := strings.Cut(cfg.Store, ":"); !strings.HasPrefix(scheme, "postgres") && scheme != "sqlite" {
		return fmt.Errorf("%w: --store %s is not part of this build; use sqlite or postgres://…", errSetting, scheme)
	}
	if cfg.Log != "memory" {
		if _, err := kafka.ParseURL(cfg.Log); err != nil {
			return fmt.Errorf("%w: %w", errSetting, err)
		}
	}
	if cfg.Bus != "memory" {
		if _, err := redis.ParseURL(cfg.Bus); err != nil {
			return fmt.Errorf("%w: %w", errSetting, err)
		}
	}
	if !many(cfg) {
		return nil
	}
	if cfg.Secret == "" {
		return fmt.Errorf("%w: the nodes of a cluster need the same --secret (or --secret-file), at least 32 random characters: what one signs, another checks", errSetting)
	}
	if cfg.Blobs == "" {
		return fmt.Errorf("%w: the nodes of a cluster need the same --blobs: s3://bucket, or file:///folder where all of them see one folder", errSetting)
	}
	return nil
}
