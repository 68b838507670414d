package crowd

import (
	"context"
	"sync"
	"time"
)

// pace hands out turns, so many a second. Turns that nobody took do not add up beyond
// a tenth of a second.
type pace struct {
	mu    sync.Mutex
	every time.Duration
	next  time.Time
}

func newPace(perSecond float64) *pace {
	p := &pace{}
	p.set(perSecond)
	return p
}

func (p *pace) set(perSecond float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.every = time.Duration(float64(time.Second) / perSecond)
}

// wait takes the next turn.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if oldest := now.Add(-time.Second / 10); p.next.Before(oldest) {
		p.next = oldest
	}
	turn := p.next
	p.next = p.next.Add(p.every)
	p.mu.Unlock()
	if d := turn.Sub(now); d > time.Millisecond {
		return sleep(ctx, d)
	}
	if ctx.Err() != nil {
		return errStopped
	}
	return nil
}
