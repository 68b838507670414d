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
	s, err := k.start(ctx, o.People)
	if err != nil {
		return err
	}
	if err := s.befriend(ctx, o.Each); err != nil {
		return errors.Join(fmt.Errorf("make conversations: %w", err), s.close())
	}
	before, err1 := settled(ctx, s)
	from := time.Now()
	c, err := gather(ctx, s, o.People)
	if err != nil {
		return errors.Join(err, s.close())
	}
	took := time.Since(from)
	connected, err2 := s.process.Cost()
	after, err3 := settled(ctx, s)
	err = errors.Join(err1, err2, err3)
	if n := c.lost.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d sockets were cut", n))
	}
	if err == nil {
		line(out, k, fmt.Sprintf("idle, %d connections", o.People), "%.2f KiB a connection (RSS %.1f MiB before, %.1f MiB with them)   set-up %s CPU, %.0f/s",
			float64(after.RSS-before.RSS)/1024/float64(o.People), mib(before.RSS), mib(after.RSS),
			micro(per(connected.CPU-before.CPU, o.People)), float64(o.People)/took.Seconds())
	}
	return errors.Join(err, c.close(), s.close())
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// settled gives the cost of the process once its memory has stopped falling.
func settled(ctx context.Context, s *server) (program.Cost, error) {
	var least program.Cost
	for quiet := 0; quiet < 5; quiet++ {
		select {
		case <-ctx.Done():
			return least, fmt.Errorf("wait for memory to settle: %w", ctx.Err())
		case <-time.After(time.Second):
		}
		c, err := s.process.Cost()
		if err != nil {
			return least, err //nolint:wrapcheck // says all
		}
		if least.RSS == 0 || c.RSS < least.RSS-1<<20 {
			least, quiet = c, 0
		}
		least.CPU = c.CPU
	}
	return least, nil
}
