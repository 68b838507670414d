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
	kills       = 5
	failPairs   = 100
	failSteady  = 5 * time.Second        // between two kills
	failPause   = 20 * time.Millisecond  // of a sender after an ack
	failNoticed = 300 * time.Millisecond // a shorter wait is not counted as one
)

var errFewNodes = errors.New("failover needs -nodes 2 or more")

// runFailover kills one of the nodes again and again, while people on the others send,
// each waiting for their own ack, and takes how long the conversations of which it
// owned the partitions went without one.
func runFailover(ctx context.Context, _ Options, k kind, out io.Writer) error {
	if p, ok := k.(parley); !ok || p.nodes < 2 {
		if !ok {
			return nil // the peer is one process
		}
		return errFewNodes
	}
	s, c, rooms, err := pairsOn(ctx, k, failPairs, func(s *server, person int) string {
		return s.nodes[person%(len(s.nodes)-1)].URL // nobody is on the last, which dies
	})
	if err != nil {
		return err
	}
	f := &failing{c: c, rooms: rooms, last: make([]atomic.Int64, failPairs), longest: make([]atomic.Int64, failPairs)}
	err = f.run(ctx, s)
	if err == nil {
		line(out, k, "failover", "%d kills: %d of %d conversations waited   until the next ack p50 %s p99 %s",
			kills, f.waits.count(), kills*failPairs, milli(f.waits.quantile(.5)), milli(f.waits.quantile(.99)))
	}
	return errors.Join(err, c.close(), s.close())
}

type failing struct {
	c       *crowd
	rooms   []string
	last    []atomic.Int64 // time of the last ack, of each sender
	longest []atomic.Int64 // gap between two, since the last kill
	failed  atomic.Pointer[error]
	waits   samples
}

func (f *failing) run(ctx context.Context, s *server) error {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for i := range f.rooms {
		wait.Go(func() { f.send(ctx, i) })
	}
	victim := len(s.nodes) - 1
	for range kills {
		time.Sleep(failSteady)
		for i := range f.longest {
			f.longest[i].Store(0)
		}
		if err := s.nodes[victim].Kill(); err != nil {
			return err //nolint:wrapcheck // says all
		}
		time.Sleep(2 * failSteady)
		for i := range f.longest {
			gap := max(f.longest[i].Load(), time.Now().UnixNano()-f.last[i].Load())
			if gap := time.Duration(gap); gap > failNoticed {
				f.waits.add(gap)
			}
		}
		if err := s.start(ctx, victim); err != nil {
			return err
		}
		if p := f.failed.Load(); p != nil {
			return fmt.Errorf("send: %w", *p)
		}
	}
	return nil
}

// send sends one message after the other. A refusal is tried again with the same
// client_id, as clients do.
func (f *failing) send(ctx context.Context, i int) {
	f.last[i].Store(time.Now().UnixNano())
	for n := 0; ctx.Err() == nil; n++ {
		m := message(f.rooms[i], i, n)
		for {
			err := accepted(f.c.peers[2*i].socket.Call(ctx, "message.send", m))
			if err == nil || ctx.Err() != nil {
				break
			}
			if f.c.lost.Load() > 0 {
				f.failed.Store(&err)
				return
			}
			time.Sleep(failPause)
		}
		now := time.Now().UnixNano()
		if gap := now - f.last[i].Swap(now); gap > f.longest[i].Load() {
			f.longest[i].Store(gap)
		}
		time.Sleep(failPause)
	}
}
