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

// pairs connects 2n people and gives each two of them a conversation.
func pairs(ctx context.Context, k kind, n int) (*server, *crowd, []string, error) {
	return pairsOn(ctx, k, n, nil)
}

func pairsOn(ctx context.Context, k kind, n int, where func(s *server, person int) string) (*server, *crowd, []string, error) {
	s, err := k.start(ctx, Population{People: 2 * n})
	if err != nil {
		return nil, nil, nil, err
	}
	c, err := gather(ctx, s, 2*n, where)
	if err != nil {
		return nil, nil, nil, errors.Join(err, s.close())
	}
	rooms := make([]string, n)
	for i := range rooms {
		if rooms[i], err = s.room(ctx, []*peer{c.peers[2*i], c.peers[2*i+1]}); err != nil {
			return nil, nil, nil, errors.Join(fmt.Errorf("make conversation: %w", err), c.close(), s.close())
		}
	}
	c.quiet(ctx)
	return s, c, rooms, nil
}

// runSend lets people send one message after the other, each waiting for their own ack.
func runSend(ctx context.Context, o Options, k kind, out io.Writer) error {
	for _, n := range o.Senders {
		if err := sendWith(ctx, o, k, n, out); err != nil {
			return err
		}
	}
	return nil
}

func sendWith(ctx context.Context, o Options, k kind, n int, out io.Writer) error {
	s, c, rooms, err := pairs(ctx, k, n)
	if err != nil {
		return err
	}
	var acks samples
	began := make(chan struct{})
	warm := time.Now().Add(time.Second)
	end := warm.Add(o.Duration)
	var wait sync.WaitGroup
	var failed atomic.Pointer[error]
	for i := range n {
		wait.Go(func() {
			<-began
			var mine []time.Duration
			for m := 0; time.Now().Before(end) && ctx.Err() == nil; m++ {
				from := time.Now()
				if err := accepted(c.peers[2*i].socket.Call(ctx, "message.send", message(rooms[i], i, m))); err != nil {
					failed.Store(&err)
					return
				}
				if from.After(warm) {
					mine = append(mine, time.Since(from))
				}
			}
			acks.add(mine...)
		})
	}
	close(began)
	time.Sleep(time.Until(warm))
	before, err1 := s.spend()
	c.timed.Store(true)
	time.Sleep(time.Until(end))
	c.timed.Store(false)
	after, err2 := s.spend()
	wait.Wait()
	if p := failed.Load(); p != nil {
		err = *p
	}
	err = errors.Join(err, err1, err2)
	if err == nil {
		line(out, k, fmt.Sprintf("send, %d senders", n), "%6.0f msg/s   ack p50 %s p99 %s   to the other socket p50 %s p99 %s   CPU %s a message",
			float64(acks.count())/o.Duration.Seconds(), milli(acks.quantile(.5)), milli(acks.quantile(.99)),
			milli(c.lags.quantile(.5)), milli(c.lags.quantile(.99)), s.between(before, after, acks.count()))
	}
	return errors.Join(err, c.close(), s.close())
}

// pacePairs is how many pairs share the rate.
const pacePairs = 100

// runPace sends at steady rates, whatever the answers take, and takes the time until
// the other person's socket has the message.
func runPace(ctx context.Context, o Options, k kind, out io.Writer) error {
	for _, rate := range o.Rates {
		if err := paceAt(ctx, o, k, rate, out); err != nil {
			return err
		}
	}
	return nil
}

func paceAt(ctx context.Context, o Options, k kind, rate int, out io.Writer) error {
	s, c, rooms, err := pairs(ctx, k, pacePairs)
	if err != nil {
		return err
	}
	was, err := s.stages(ctx)
	if err != nil {
		return errors.Join(err, c.close(), s.close())
	}
	before, err1 := s.spend()
	c.timed.Store(true)
	var refused atomic.Int64
	var under sync.WaitGroup
	sent := 0
	began := time.Now()
	for time.Since(began) < o.Duration && ctx.Err() == nil {
		due := int(time.Since(began).Seconds() * float64(rate))
		for ; sent < due; sent++ {
			pair := sent % pacePairs
			under.Add(1)
			err := c.peers[2*pair].socket.EmitAck("message.send", answered(&refused, &under), message(rooms[pair], pair, sent))
			if err != nil {
				return errors.Join(err, c.close(), s.close())
			}
		}
		time.Sleep(200 * time.Microsecond)
	}
	under.Wait()
	c.quiet(ctx)
	after, err2 := s.spend()
	is, err3 := s.stages(ctx)
	err = errors.Join(err1, err2, err3)
	if n := refused.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d messages were refused", n, sent))
	}
	if err == nil {
		line(out, k, fmt.Sprintf("pace, %d/s", rate), "to the other socket p50 %s p99 %s   CPU %s a message",
			milli(c.lags.quantile(.5)), milli(c.lags.quantile(.99)), s.between(before, after, sent))
		line(out, k, "  on average", "%s, the other socket after %s", is.since(was), milli(c.lags.mean()))
	}
	return errors.Join(err, c.close(), s.close())
}
