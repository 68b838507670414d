package storm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parley-chat/parley/test/fault/crowd"
	"github.com/parley-chat/parley/test/fault/link"
	"github.com/parley-chat/parley/test/fault/stage"
)

// Fault breaks something. Two faults of one part do not come together.
type Fault struct {
	Name string
	Part string // what it breaks
	On   func(*stage.Stage) bool
	// Do breaks it and gives what mends it. It may take up to Hold by itself. Nodes that
	// are down need no mending: they are started when everything else is mended, for a
	// node does not serve before it has found what it needs.
	Do func(ctx context.Context, e *Scene) (mend func(context.Context) error, err error)
}

// Scene is what a fault works on.
type Scene struct {
	*stage.Stage
	Crowd *crowd.Crowd
	Rng   *rand.Rand
	Hold  time.Duration
}

// Any is one of the nodes.
func (e *Scene) Any() *stage.Node { return e.Nodes[e.Rng.IntN(len(e.Nodes))] }

func anywhere(*stage.Stage) bool   { return true }
func embedded(s *stage.Stage) bool { return s.Engines == nil }
func settable(s *stage.Stage) bool { return s.Clocks }

func nothing(context.Context) error { return nil }

// Table is every fault there is. docs/faults.md says how to add one.
func Table() []Fault {
	return append([]Fault{
		{"kill", "node", anywhere, kill},
		{"kill and stay down", "node", anywhere, killAndStay},
		{"restart storm", "node", anywhere, restartStorm},
		{"stop in order", "node", anywhere, stopInOrder},
		{"pause", "node", anywhere, pause},
		{"little memory", "node", anywhere, littleMemory},
		{"files exhausted", "files", anywhere, filesExhausted},
		{"slow disk", "disk", embedded, slowDisk},
		{"failing disk", "disk", embedded, failingDisk},
		{"full disk", "disk", embedded, fullDisk},
		{"kill on a slow disk", "node", embedded, killOnSlowDisk},
		{"power loss", "node", embedded, powerLoss},
		{"clock an hour ahead", "clock", settable, clockBy(time.Hour)},
		{"clock 90 s back", "clock", settable, clockBy(-90 * time.Second)},
		{"clock to and fro", "clock", settable, clockToAndFro},
		{"clients cut", "clients", anywhere, clientsCut},
		{"clients half-open", "clients", anywhere, clientsRule(link.Rule{Stall: true}, link.Rule{Stall: true})},
		{"clients up only", "clients", anywhere, clientsRule(link.Rule{}, link.Rule{Stall: true})},
		{"clients down only", "clients", anywhere, clientsRule(link.Rule{Stall: true}, link.Rule{})},
		{"clients at 1 B/s", "clients", anywhere, clientsRule(link.Rule{Rate: 1}, link.Rule{Rate: 1})},
		{"clients sliced", "clients", anywhere, clientsRule(link.Rule{Slice: 3}, link.Rule{Slice: 5})},
		{"reconnect storm", "clients", anywhere, reconnectStorm},
	}, append(cluster(), network()...)...)
}

func kill(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	if err := n.Kill(); err != nil {
		return nothing, err //nolint:wrapcheck // says all
	}
	return nothing, n.Start(ctx) //nolint:wrapcheck // says all
}

func killAndStay(_ context.Context, e *Scene) (func(context.Context) error, error) {
	return nothing, e.Any().Kill() //nolint:wrapcheck // says all
}

// restartStorm kills again and again, in the middle of starts too.
func restartStorm(_ context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	for range 3 + e.Rng.IntN(4) {
		if err := n.Kill(); err != nil {
			return nothing, err //nolint:wrapcheck // says all
		}
		n.Begin(time.Duration(e.Rng.IntN(300)) * time.Millisecond)
	}
	return nothing, nil
}

func stopInOrder(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	return nothing, e.Any().Stop(ctx) //nolint:wrapcheck // says all
}

func pause(_ context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	return func(context.Context) error { return n.Resume() }, n.Pause() //nolint:wrapcheck // says all
}

func filesExhausted(_ context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	before, err := n.FilesLimit(uint64(16 + e.Rng.IntN(64)))
	if err != nil {
		return nothing, fmt.Errorf("limit the files of %s: %w", n.Name, err)
	}
	e.Crowd.DropAll() // so that everybody wants a new connection
	return func(context.Context) error {
		if before == 0 { // it was down; a process has its own limit when it starts
			return nil
		}
		_, err := n.FilesLimit(before)
		return err //nolint:wrapcheck // says all
	}, nil
}

const (
	// A node of this crowd has 15 to 45 MiB when nobody limits it, and a log-in takes 19.
	leastMemory = 48 << 20
	moreMemory  = 48 << 20 // at most, beside that
	// A limit of the runtime's is one of what it manages, and soft.
	memorySlack = 1.25
)

// littleMemory has a node get along with little, while everybody connects to it again.
func littleMemory(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n, limit := e.Any(), leastMemory+e.Rng.Int64N(moreMemory)
	if err := n.Restrict(ctx, limit); err != nil {
		return unrestricted(n), err //nolint:wrapcheck // says all
	}
	e.Crowd.DropAll()
	var most int64
	for began := time.Now(); time.Since(began) < e.Hold; pauseFor(ctx, strobe) {
		used, err := n.Resident()
		if err != nil {
			return unrestricted(n), err //nolint:wrapcheck // says all
		}
		most = max(most, used)
	}
	e.Logf("little memory: %s was given %d MiB and had %d at most", n.Name, limit>>20, most>>20)
	if float64(most) > memorySlack*float64(limit) {
		e.Crowd.History().Note("leak", "", fmt.Sprintf("%s was given %d MiB of memory and took %d", n.Name, limit>>20, most>>20))
	}
	return unrestricted(n), nil
}

func unrestricted(n *stage.Node) func(context.Context) error {
	return func(context.Context) error { return n.Unrestrict() }
}

func inject(e *Scene, rules ...string) (func(context.Context) error, error) {
	end, err := e.Any().Inject(rules...)
	if err != nil {
		return nothing, err //nolint:wrapcheck // says all
	}
	return func(context.Context) error { return end() }, nil
}

func slowDisk(_ context.Context, e *Scene) (func(context.Context) error, error) {
	return inject(e, fmt.Sprintf("fsync,fdatasync:delay_enter=%d", 20_000+e.Rng.IntN(480_000)))
}

func failingDisk(_ context.Context, e *Scene) (func(context.Context) error, error) {
	return inject(e, fmt.Sprintf("fsync,fdatasync:error=EIO:when=%d+%d", 1+e.Rng.IntN(20), 1+e.Rng.IntN(10)))
}

func fullDisk(_ context.Context, e *Scene) (func(context.Context) error, error) {
	return inject(e, fmt.Sprintf("pwrite64,fallocate,ftruncate:error=ENOSPC:when=%d+", 1+e.Rng.IntN(50)))
}

// killOnSlowDisk kills while the disk takes its time: what was said to be durable had
// better be.
func killOnSlowDisk(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	end, err := n.Inject(fmt.Sprintf("fsync,fdatasync:delay_enter=%d", 200_000+e.Rng.IntN(600_000)))
	if err != nil {
		return nothing, err //nolint:wrapcheck // says all
	}
	pauseFor(ctx, e.Hold)
	return nothing, errors.Join(n.Kill(), end())
}

func powerLoss(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	torn, err := n.PowerLoss(ctx, e.Hold, e.Rng)
	if err != nil {
		return nothing, fmt.Errorf("power loss of %s: %w", n.Name, err)
	}
	e.Logf("power loss: %d writes had not been synced and are garbage now", torn)
	return nothing, nil
}

// clockBy sets the clock of a node, and sets it right in the end.
func clockBy(by time.Duration) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(_ context.Context, e *Scene) (func(context.Context) error, error) {
		n := e.Any()
		return func(context.Context) error { return n.SetClock(0) }, n.SetClock(by)
	}
}

// clockToAndFro sets the clock of a node by a second, ten times a second.
func clockToAndFro(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	n := e.Any()
	for began := time.Now(); time.Since(began) < e.Hold; {
		for _, by := range []time.Duration{time.Second, -time.Second} {
			if err := n.SetClock(by); err != nil {
				return nothing, err //nolint:wrapcheck // says all
			}
			pauseFor(ctx, strobe)
		}
	}
	return func(context.Context) error { return n.SetClock(0) }, nil
}

// strobe is how long a clock that goes to and fro stays as it is.
const strobe = 100 * time.Millisecond

// clientsCut resets every client's connections several times.
func clientsCut(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	for range 4 {
		for _, s := range e.Crowd.Switches() {
			s.Reset()
		}
		pauseFor(ctx, e.Hold/4)
	}
	return nothing, nil
}

func reconnectStorm(ctx context.Context, e *Scene) (func(context.Context) error, error) {
	for range 20 {
		e.Crowd.DropAll()
		pauseFor(ctx, e.Hold/20)
	}
	return nothing, nil
}

// clientsRule puts some of the clients' links under a rule.
func clientsRule(up, down link.Rule) func(context.Context, *Scene) (func(context.Context) error, error) {
	return func(_ context.Context, e *Scene) (func(context.Context) error, error) {
		all := e.Crowd.Switches()
		e.Rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		some := all[:max(1, len(all)/(2+e.Rng.IntN(3)))]
		for _, s := range some {
			s.Set(up, down)
		}
		return func(context.Context) error {
			for _, s := range some {
				s.Heal()
			}
			return nil
		}, nil
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
