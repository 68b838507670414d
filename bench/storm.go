package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	stormSenders = 50 // keep sending, and stay connected
	stormPause   = 100 * time.Millisecond
)

// runStorm connects people, cuts all connections but a few senders' at once, and takes
// how long it is until everybody is back, told where their conversations stand, while
// messages go on in other conversations, and what those who send meanwhile wait for.
func runStorm(ctx context.Context, o Options, k kind, out io.Writer) error {
	p, ok := k.(parley)
	if !ok {
		return nil // the peer knows no conversations
	}
	s, err := p.start(ctx, Population{o.People + 2*stormSenders, o.Each})
	if err != nil {
		return err
	}
	err = storm(ctx, o, k, s, out)
	return errors.Join(err, s.close())
}

func storm(ctx context.Context, o Options, k kind, s *server, out io.Writer) (err error) {
	empty, err := s.cost()
	if err != nil {
		return err
	}
	h, err := herdOf(ctx, o.Binary, s, o.People)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	first, err := h.connect()
	if err != nil {
		return err
	}
	held, err := settled(ctx, s)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("storm, %d connections", o.People)
	line(out, k, what, "set up in %.1f s, %s CPU and %.1f KiB each (RSS of the nodes %.0f MiB)",
		first.Connected.Seconds(), micro(per(held.CPU-empty.CPU, o.People)), kib(held.RSS-empty.RSS)/float64(o.People), kib(held.RSS)/1024)

	steady := server{nodes: s.nodes, people: s.people[o.People:]}
	c, err := gather(ctx, &steady, 2*stormSenders, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	rooms := make([]string, stormSenders)
	for i := range rooms {
		if rooms[i], err = s.room(ctx, c.peers[2*i:2*i+2]); err != nil {
			return fmt.Errorf("make conversation: %w", err)
		}
	}
	c.quiet(ctx)
	others := &steadily{rooms: rooms, peers: c.peers}
	end := others.start(ctx)
	defer end()
	time.Sleep(o.Duration)
	return strike(h, s, others, func(format string, args ...any) { line(out, k, what, format, args...) })
}

// strike cuts what the herd holds, and brings it back.
func strike(h *herd, s *server, others *steadily, say func(format string, args ...any)) error {
	before, err := s.spend()
	if err != nil {
		return err
	}
	others.cut.Store(true)
	began := time.Now()
	if _, err := h.tell(order{Cut: true}); err != nil {
		return err
	}
	cut := time.Since(began)
	back, err := h.tell(order{Back: true})
	if err != nil {
		return err
	}
	all := time.Since(began)
	after, err := s.spend()
	if err != nil {
		return err
	}
	n := 0
	for _, one := range h.holds {
		n += len(one.first.Connect)
	}
	say("cut in %.1f s, connected after %.1f s, all told after %.1f s   CPU %s each   others' acks p50 %s p99 %s (before: %s, %s), %d refused",
		cut.Seconds(), (cut + back.Connected).Seconds(), all.Seconds(), s.between(before, after, n),
		milli(others.rough.quantile(.5)), milli(others.rough.quantile(.99)),
		milli(others.calm.quantile(.5)), milli(others.calm.quantile(.99)), others.refused.Load())
	return nil
}

// steadily is those who keep sending.
type steadily struct {
	rooms       []string
	peers       []*peer // two for each room
	cut         atomic.Bool
	calm, rough samples // acks before the cut, and after it
	refused     atomic.Int64
}

// start begins, and gives what ends it.
func (s *steadily) start(ctx context.Context) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	for i, room := range s.rooms {
		wait.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				from := time.Now()
				err := accepted(s.peers[2*i].socket.Call(ctx, "message.send", message(room, i, n)))
				switch {
				case ctx.Err() != nil:
					return
				case err != nil:
					s.refused.Add(1)
				case s.cut.Load():
					s.rough.add(time.Since(from))
				default:
					s.calm.add(time.Since(from))
				}
				time.Sleep(stormPause)
			}
		})
	}
	return func() {
		stop()
		wait.Wait()
	}
}
