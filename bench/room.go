package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/socketio/client"
)

// busy is how many messages of a busy room are under way at a time.
const busy = 16

// hall is one large room under load.
type hall struct {
	o    Options
	k    kind
	s    *server
	c    *crowd
	room string // its id
	out  io.Writer
}

// runRoom measures the server's CPU for each delivery, with one message at a time and
// with several under way.
func runRoom(ctx context.Context, o Options, k kind, out io.Writer) error {
	for _, n := range o.Rooms {
		if err := roomOf(ctx, o, k, n, out); err != nil {
			return err
		}
	}
	return nil
}

func roomOf(ctx context.Context, o Options, k kind, n int, out io.Writer) error {
	s, err := k.start(ctx, Population{People: n})
	if err != nil {
		return err
	}
	c, err := gather(ctx, s, n, nil)
	if err != nil {
		return errors.Join(err, s.close())
	}
	room, err := s.room(ctx, c.peers)
	if err == nil {
		c.quiet(ctx)
		h := hall{o, k, s, c, room, out}
		err = errors.Join(h.single(ctx), h.crowded(ctx))
	}
	return errors.Join(err, c.close(), s.close())
}

// single sends the next message when everybody has the one before.
func (h hall) single(ctx context.Context) error {
	c := h.c
	start := c.entries.Load()
	if err := accepted(c.peers[0].socket.Call(ctx, "message.send", message(h.room, 0, -1))); err != nil {
		return err
	}
	c.quiet(ctx)
	each := c.entries.Load() - start // some servers give the sender their own message too
	before, err := h.s.cost()
	if err != nil {
		return err
	}
	start = c.entries.Load()
	sent := 0
	for end := time.Now().Add(h.o.Duration); time.Now().Before(end); sent++ {
		if err := accepted(c.peers[sent%len(c.peers)].socket.Call(ctx, "message.send", message(h.room, sent, sent))); err != nil {
			return err
		}
		for limit := time.Now().Add(patience); c.entries.Load() < start+each*int64(sent+1); {
			if time.Now().After(limit) {
				return fmt.Errorf("message %d did not reach everybody", sent)
			}
			time.Sleep(50 * time.Microsecond)
		}
	}
	return h.report(fmt.Sprintf("room of %d, one at a time", len(c.peers)), before.CPU, start, sent)
}

// crowded keeps several messages under way.
func (h hall) crowded(ctx context.Context) error {
	c := h.c
	before, err := h.s.cost()
	if err != nil {
		return err
	}
	start := c.entries.Load()
	var sent, refused atomic.Int64
	var wait sync.WaitGroup
	end := time.Now().Add(h.o.Duration)
	for i := range busy {
		wait.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				from := c.peers[(i+n*busy)%len(c.peers)]
				if err := accepted(from.socket.Call(ctx, "message.send", message(h.room, 1000+i, n))); err != nil {
					refused.Add(1)
					return
				}
				sent.Add(1)
			}
		})
	}
	wait.Wait()
	c.quiet(ctx)
	if refused.Load() > 0 || c.lost.Load() > 0 {
		return fmt.Errorf("%d senders were refused, %d sockets were cut", refused.Load(), c.lost.Load())
	}
	return h.report(fmt.Sprintf("room of %d, busy", len(c.peers)), before.CPU, start, int(sent.Load()))
}

// report prints what was used since the CPU time and the count of entries given.
func (h hall) report(what string, cpu time.Duration, start int64, sent int) error {
	after, err := h.s.cost()
	if err != nil {
		return err
	}
	deliveries := int(h.c.entries.Load() - start)
	line(h.out, h.k, what, "CPU %s a delivery   (%d messages, %d deliveries)", micro(per(after.CPU-cpu, deliveries)), sent, deliveries)
	return nil
}

// answered counts refusals of messages that are under way.
func answered(refused *atomic.Int64, under *sync.WaitGroup) func(client.Message, error) {
	return func(m client.Message, err error) {
		if accepted(m, err) != nil {
			refused.Add(1)
		}
		under.Done()
	}
}
