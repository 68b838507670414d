package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-chat/parley/internal/program"
)

// runIdle measures what silent connections cost: memory of the server's process, and
// the CPU that setting one up took.
func runIdle(ctx context.Context, o Options, k kind, out io.Writer) error {
	s, err := k.start(ctx, Population{o.People, o.Each})
	if err != nil {
		return err
	}
	err = idleWith(ctx, o, k, s, out)
	return errors.Join(err, s.close())
}

func idleWith(ctx context.Context, o Options, k kind, s *server, out io.Writer) (err error) {
	c := &crowd{}
	defer func() { err = errors.Join(err, c.close()) }()
	before, err := settled(ctx, s)
	if err != nil {
		return err
	}
	if err := c.grow(ctx, s, o.People/2); err != nil {
		return err
	}
	half, err := settled(ctx, s)
	if err != nil {
		return err
	}
	from := time.Now()
	if err := c.grow(ctx, s, o.People); err != nil {
		return err
	}
	took := time.Since(from)
	all, err := settled(ctx, s)
	if err != nil {
		return err
	}
	if n := c.lost.Load(); n > 0 {
		return fmt.Errorf("%d sockets were cut", n)
	}
	more := o.People - o.People/2
	line(out, k, fmt.Sprintf("idle, %d connections", o.People),
		"%.1f KiB each of the second half, %.1f of all   (RSS %.0f MiB, %.0f, %.0f)   set-up %s CPU, %.0f/s",
		kib(all.RSS-half.RSS)/float64(more), kib(all.RSS-before.RSS)/float64(o.People),
		kib(before.RSS)/1024, kib(half.RSS)/1024, kib(all.RSS)/1024,
		micro(per(all.CPU-half.CPU, more)), float64(more)/took.Seconds())
	return nil
}

func kib(n int64) float64 { return float64(n) / 1024 }

// settled gives the cost of the process once its memory has stopped falling.
func settled(ctx context.Context, s *server) (program.Cost, error) {
	var least program.Cost
	for quiet := 0; quiet < 5; quiet++ {
		select {
		case <-ctx.Done():
			return least, fmt.Errorf("wait for memory to settle: %w", ctx.Err())
		case <-time.After(time.Second):
		}
		c, err := s.cost()
		if err != nil {
			return least, err
		}
		if least.RSS == 0 || c.RSS < least.RSS-1<<20 {
			least, quiet = c, 0
		}
		least.CPU = c.CPU
	}
	return least, nil
}
