package worker

import (
	"context"
	"log/slog"
	"time"
)

// Periodic does something every so often until its context ends. One run follows
// the other; a run that takes longer than the time between them delays the next.
type Periodic struct {
	Name   string
	Every  time.Duration
	Do     func(ctx context.Context) error
	Logger *slog.Logger
}

// Run works until ctx ends. An error of Do is logged; the next run may succeed.
func (p Periodic) Run(ctx context.Context) error {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := p.Do(ctx); err != nil && ctx.Err() == nil {
			p.Logger.Warn("periodic work", "work", p.Name, "err", err)
		}
	}
}
