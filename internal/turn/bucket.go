package turn

import (
	"sync"
	"time"
)

// bucket bounds the bytes a second that one relay carries in one direction; a second's
// worth may come at once. Safe for concurrent use.
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
	now := b.clock()
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(b.rate, b.left+passed.Seconds()*b.rate)
	}
	b.at = now // a clock that was set back goes on from there
	if float64(bytes) > b.left {
		return false
	}
	b.left -= float64(bytes)
	return true
}
