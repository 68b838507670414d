package inproc

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Limiter is a chat.Limiter of one process: token buckets, of which the least
// recently used is forgotten when there are too many. Safe for concurrent use.
type Limiter struct {
	now  func() time.Time
	most int

	mu      sync.Mutex // guards buckets and order
	buckets map[string]*list.Element
	order   *list.List // of *bucket, most recently used first
}

// rounding is how far sums of fractions may be off.
const rounding = 1e-6

// never is what a caller is told to wait, in milliseconds, who asks for more than a bucket can ever hold.
const never chat.Time = 3_600_000

type bucket struct {
	key    string
	tokens float64
	at     time.Time
}

var _ chat.Limiter = (*Limiter)(nil)

// NewLimiter makes a limiter that remembers at most so many keys. Now is its clock.
func NewLimiter(now func() time.Time, most int) *Limiter {
	return &Limiter{now: now, most: max(1, most), buckets: make(map[string]*list.Element), order: list.New()}
}

// Take implements chat.Limiter.
func (l *Limiter) Take(_ context.Context, key string, n, perSecond, burst float64) (chat.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, burst)
	now := l.now()
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
	if b.tokens+rounding >= n {
		b.tokens -= n
		return 0, nil
	}
	if perSecond <= 0 || n > burst {
		return never, nil
	}
	return max(1, chat.Time(math.Ceil((n-b.tokens)/perSecond*1000-rounding))), nil
}

// bucket finds the bucket of key, or makes a full one.
func (l *Limiter) bucket(key string, burst float64) *bucket {
	if e := l.buckets[key]; e != nil {
		l.order.MoveToFront(e)
		if b, ok := e.Value.(*bucket); ok {
			return b
		}
	}
	if l.order.Len() >= l.most {
		last := l.order.Back()
		if b, ok := l.order.Remove(last).(*bucket); ok {
			delete(l.buckets, b.key)
		}
	}
	b := &bucket{key: key, tokens: burst, at: l.now()}
	l.buckets[key] = l.order.PushFront(b)
	return b
}
