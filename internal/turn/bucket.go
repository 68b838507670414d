package turn

import (
	"sync"
	"time"
)

// flow bounds what all relays of one person carry: what comes from peers, and what goes to them.
type flow struct{ in, out *bucket }

func newFlow(rate int64, clock func() time.Time) flow {
	return flow{in: newBucket(rate, clock), out: newBucket(rate, clock)}
}

// bucket bounds bytes a second; a second's worth may come at once. Safe for concurrent use.
type bucket struct {
	rate  float64 // bytes a second; 0: no limit
	clock func() time.Time

	mu   sync.Mutex
	left float64 // bytes
	at   time.Time
}

func newBucket(rate int64, clock func() time.Time) *bucket {
	return &bucket{rate: float64(rate), left: float64(rate), clock: clock, at: clock()}
}

// take reports whether so many bytes may pass now. What may not takes nothing.
func (b *bucket) take(bytes int) bool {
	if b.rate == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	if float64(bytes) > b.left {
		return false
	}
	b.left -= float64(bytes)
	return true
}

// full reports whether nothing was taken that has not come back.
func (b *bucket) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	return b.left >= b.rate
}

func (b *bucket) fill() {
	now := b.clock()
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(b.rate, b.left+passed.Seconds()*b.rate)
	}
	b.at = now // a clock that was set back goes on from there
}
