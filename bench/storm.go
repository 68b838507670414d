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
	stormCircle  = 20 // people of a conversation
	stormSenders = 50 // keep sending, and stay connected
	stormPause   = 100 * time.Millisecond
)

// runStorm connects people, cuts all connections but a few senders' at once, and takes
// how long it is until everybody is back, told where their conversations stand, while
// messages go on in other conversations, and what those who send meanwhile wait for.
func runStorm(ctx context.Context, o Options, k kind, out io.Writer) error {
	s, err := k.start(ctx, o.People+2*stormSenders)
	if err != nil {
		return err
	}
	err = storm(ctx, o, k, s, out)
	return errors.Join(err, s.close())
}

func storm(ctx context.Context, o Options, k kind, s *server, out io.Writer) (err error) {
	if err := s.befriend(ctx, stormCircle); err != nil {
		return fmt.Errorf("make conversations: %w", err)
	}
	c := &crowd{}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.grow(ctx, s, o.People+2*stormSenders); err != nil {
		return err
	}
	steady := c.peers[o.People:]
	rooms := make([]string, stormSenders)
	for i := range rooms {
		if rooms[i], err = s.room(ctx, steady[2*i:2*i+2]); err != nil {
			return fmt.Errorf("make conversation: %w", err)
		}
	}
	c.quiet(ctx)

	others := &steadily{rooms: rooms, peers: steady}
	end := others.start(ctx)
	defer end()
	time.Sleep(o.Duration)
	before, err := s.cost()
	if err != nil {
		return err
	}
	others.cut.Store(true)
	began := time.Now()
	lost := &crowd{peers: c.peers[:o.People:o.People]}
	if err := lost.close(); err != nil {
		return err
	}
	closed := time.Since(began)
	c.peers = append(make([]*peer, o.People), steady...)
	back := &crowd{}
	if err := back.grow(ctx, s, o.People); err != nil {
		return errors.Join(err, back.close())
	}
	copy(c.peers, back.peers)
	connected := time.Since(began)
	for back.told.Load() < int64(o.People) {
		if time.Since(began) > patience {
			return fmt.Errorf("%d of %d were told where they stand", back.told.Load(), o.People)
		}
		time.Sleep(time.Millisecond)
	}
	all := time.Since(began)
	after, err := s.cost()
	if err != nil {
		return err
	}
	line(out, k, fmt.Sprintf("storm, %d connections", o.People),
		"cut in %.1f s, connected after %.1f s, all told after %.1f s   CPU %s each   others' acks p50 %s p99 %s (before: %s, %s), %d refused",
		closed.Seconds(), connected.Seconds(), all.Seconds(), micro(per(after.CPU-before.CPU, o.People)),
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
