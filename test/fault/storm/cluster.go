package storm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-chat/parley/test/fault/link"
	"github.com/parley-chat/parley/test/fault/stage"
)

func clustered(s *stage.Stage) bool  { return s.Engines != nil }
func clocked(s *stage.Stage) bool    { return s.Engines != nil && s.Engines.Settable() }
func replicated(s *stage.Stage) bool { return s.Engines != nil && len(s.Engines.Brokers) > 1 }

// cluster is the faults of what nodes share, and of the ways to it.
func cluster() []Fault {
	all := []Fault{
		{"kill the owner", "node", clustered, killOwner},
		{"pause the owner", "node", clustered, pauseOwner},
		{"rolling restart", "node", clustered, rollingRestart},

		{"redis flushed", "redis", clustered, redis("FLUSHALL")},
		{"redis subscribers cut", "redis", clustered, redis("CLIENT KILL TYPE pubsub")},
		{"redis answers nobody", "redis", clustered, redisAnswersNobody},
		{"redis out of memory", "redis", clustered, redisOutOfMemory},
		{"redis killed", "redis", clustered, killed((*Scene).theRedis)},
		{"redis stopped", "redis", clustered, stopped((*Scene).theRedis)},
		{"redis restarted", "redis", clustered, restarted((*Scene).theRedis)},

		{"postgres killed", "postgres", clustered, killed((*Scene).thePostgres)},
		{"postgres stopped", "postgres", clustered, stopped((*Scene).thePostgres)},
		{"postgres restarted", "postgres", clustered, restarted((*Scene).thePostgres)},
		{"postgres sessions ended", "postgres", clustered, sessionsEnded},
		{"postgres out of sessions", "postgres", clustered, outOfSessions},
		{"postgres tables locked", "postgres", clustered, tablesLocked},

		{"broker killed", "broker", clustered, killed((*Scene).aBroker)},
		{"broker stopped", "broker", clustered, stopped((*Scene).aBroker)},
		{"broker restarted", "broker", clustered, restarted((*Scene).aBroker)},
		{"leaders moved", "broker", replicated, moved((*stage.Engines).MoveLeaders)},
		{"coordinators moved", "broker", replicated, moved((*stage.Engines).MoveCoordinators)},
	}
	for _, engine := range []struct {
		part string
		name func(*Scene) string
	}{{"postgres", (*Scene).thePostgres}, {"redis", (*Scene).theRedis}, {"broker", (*Scene).aBroker}} {
		all = append(all,
			Fault{engine.part + " an hour ahead", engine.part, clocked, engineClock(engine.name, time.Hour)},
			Fault{engine.part + " an hour back", engine.part, clocked, engineClock(engine.name, -time.Hour)},
		)
	}
	for _, part := range []string{"store", "bus", "log"} {
		all = append(all,
			Fault{"node without " + part, "way to " + part, clustered, cut(part, link.Rule{Stall: true}, link.Rule{Stall: true})},
			Fault{"node to " + part + " one way", "way to " + part, clustered, cut(part, link.Rule{}, link.Rule{Stall: true})},
			Fault{part + " to node one way", "way to " + part, clustered, cut(part, link.Rule{Stall: true}, link.Rule{})},
			Fault{"node refused by " + part, "way to " + part, clustered, refused(part)},
		)
	}
	return all
}

func (e *Scene) theRedis() string    { return e.Engines.Redis }
func (e *Scene) thePostgres() string { return e.Engines.SQL }
func (e *Scene) aBroker() string     { return e.Engines.Brokers[e.Rng.IntN(len(e.Engines.Brokers))] }

func killOwner(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	return nothing, e.Owner(ctx).Kill() //nolint:wrapcheck // says all
}

// pauseOwner makes a zombie: others take over, and then it wakes.
func pauseOwner(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Owner(ctx)
	return func(context.Context) error { return n.Resume() }, n.Pause() //nolint:wrapcheck // says all
}

// rollingRestart is a deploy: one node after the other.
func rollingRestart(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	for _, n := range e.Nodes {
		if err := errors.Join(n.Stop(ctx), n.Start(ctx)); err != nil {
			return nothing, err
		}
	}
	return nothing, nil
}

// redis repeats a command while the window lasts.
func redis(command string) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(ctx context.Context, e *Scene) (func(context.Context) error, error) {
		for range 4 {
			if _, err := e.Engines.Command(ctx, command); err != nil {
				return nothing, err //nolint:wrapcheck // says all
			}
			pauseFor(ctx, e.Hold/4)
		}
		return nothing, nil
	}
}

func redisAnswersNobody(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	_, err := e.Engines.Command(ctx, fmt.Sprintf("CLIENT PAUSE %d ALL", e.Hold.Milliseconds()))
	return nothing, err //nolint:wrapcheck // says all
}

// redisOutOfMemory has Redis refuse whatever needs memory.
func redisOutOfMemory(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	_, err := e.Engines.Command(ctx, "CONFIG SET maxmemory 1")
	return func(ctx context.Context) error {
		_, err := e.Engines.Command(ctx, "CONFIG SET maxmemory 0")
		return err //nolint:wrapcheck // says all
	}, err
}

// moved changes who leads among the brokers, once.
func moved(change func(*stage.Engines, context.Context) error) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(ctx context.Context, e *Scene) (func(context.Context) error, error) {
		return nothing, change(e.Engines, ctx)
	}
}

// killed has an engine die and start again when the window ends.
func killed(which func(*Scene) string) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(ctx context.Context, e *Scene) (func(context.Context) error, error) {
		name := which(e)
		return func(ctx context.Context) error { return e.Engines.Control(ctx, "restart", name) },
			e.Engines.Control(ctx, "kill", name) //nolint:wrapcheck // says all
	}
}

// stopped takes an engine its processor time.
func stopped(which func(*Scene) string) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(ctx context.Context, e *Scene) (func(context.Context) error, error) {
		name := which(e)
		return func(ctx context.Context) error { return e.Engines.Control(ctx, "resume", name) },
			e.Engines.Control(ctx, "pause", name) //nolint:wrapcheck // says all
	}
}

// engineClock sets the clock of an engine, and sets it right in the end.
func engineClock(which func(*Scene) string, by time.Duration) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(_ context.Context, e *Scene) (func(context.Context) error, error) {
		name := which(e)
		return func(context.Context) error { return e.Engines.SetClock(name, 0) }, e.Engines.SetClock(name, by)
	}
}

func restarted(which func(*Scene) string) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(ctx context.Context, e *Scene) (func(context.Context) error, error) {
		return nothing, e.Engines.Control(ctx, "restart", which(e)) //nolint:wrapcheck // says all
	}
}

// sessionsEnded cuts the database's sessions, again and again.
func sessionsEnded(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	for range 4 {
		if _, err := e.Engines.Query(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()"); err != nil {
			return nothing, err //nolint:wrapcheck // says all
		}
		pauseFor(ctx, e.Hold/4)
	}
	return nothing, nil
}

// outOfSessions has somebody else take all sessions that the database gives.
func outOfSessions(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	taken, release, err := e.Engines.TakeSessions(ctx, e.Hold)
	e.Logf("postgres out of sessions: %d are taken", taken)
	return release, err //nolint:wrapcheck // says all
}

// tablesLocked has nobody read or write the tables that every batch needs.
func tablesLocked(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	tables := []string{"positions", "conversations", "message_entries", "members"}
	_, err := e.Engines.Query(ctx, fmt.Sprintf("begin; lock table %s in access exclusive mode; select pg_sleep(%f); commit",
		tables[e.Rng.IntN(len(tables))], max(e.Hold, time.Second).Seconds()))
	return nothing, err //nolint:wrapcheck // says all
}

// cut has the ways from a node to an engine pass nothing, in one direction or in both.
func cut(part string, up, down link.Rule) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(_ context.Context, e *Scene) (func(context.Context) error, error) {
		ways := e.ways(part)
		for _, w := range ways {
			w.Set(up, down)
		}
		return heal(ways), nil
	}
}

// refused resets the ways from a node to an engine, and lets it make no new ones.
func refused(part string) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(_ context.Context, e *Scene) (func(context.Context) error, error) {
		ways := e.ways(part)
		for _, w := range ways {
			w.Refuse(true)
			w.Reset()
		}
		return heal(ways), nil
	}
}

// ways gives the ways of one node, or now and then of two, to an engine.
func (e *Scene) ways(part string) []*link.Proxy {
	first := e.Rng.IntN(len(e.Nodes))
	ways := e.Nodes[first].Links[part]
	if e.Rng.IntN(4) == 0 {
		second := e.Nodes[(first+1)%len(e.Nodes)]
		ways = append(ways[:len(ways):len(ways)], second.Links[part]...)
	}
	return ways
}

func heal(ways []*link.Proxy) func(context.Context) error {
	return func(context.Context) error {
		for _, w := range ways {
			w.Heal()
			// What stood still for long is cut: nobody else ends a connection that is half gone.
			w.Reset()
		}
		return nil
	}
}
