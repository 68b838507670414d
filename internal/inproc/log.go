package inproc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// maxLogBytes bounds what waiting records hold, whatever their number.
const maxLogBytes = 64 << 20

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// ErrOffset is returned when the owner asks for records that the log does not
// have: the store's position and the log do not belong together.
var ErrOffset = errors.New("no such offset in the log")

// Log is a chat.Log of one partition in memory. Its records live until the owner
// has committed them or the process ends, so an append is durable only with
// the commit; its offsets continue at the store's position. Safe for concurrent use.
type Log struct {
	name  string
	bound int
	wake  chan struct{} // holds one token when there may be something to fetch

	mu      sync.Mutex // guards what follows
	records []*chat.Record
	bytes   int   // that the waiting records hold, about
	base    int64 // offset of records[0], once placed
	placed  bool  // the base is known
	from    int64 // where the owner fetches at present
	before  int64 // the previous distinct from
	closed  bool
	drained chan struct{} // closed when closed and all is fetched past
}

var _ chat.Log = (*Log)(nil)

// NewLog makes an empty log. Name is its identity in the store's positions. When
// bound records or 64 MiB wait for the owner, Append gives chat.ErrOverloaded.
func NewLog(name string, bound int) *Log {
	return &Log{name: name, bound: bound, wake: make(chan struct{}, 1), drained: make(chan struct{})}
}

// Append implements chat.Log.
func (l *Log) Append(ctx context.Context, r *chat.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return fmt.Errorf("append: the log is closing: %w", chat.ErrUnavailable)
	case l.waiting() >= l.bound || l.bytes >= maxLogBytes:
		return fmt.Errorf("append: %d records wait: %w", l.waiting(), chat.ErrOverloaded)
	}
	l.bytes += size(r)
	r.Offset = l.base + int64(len(l.records))
	l.records = append(l.records, r)
	l.signal()
	return nil
}

// Waiting gives how many records the owner has not committed, for metrics.
func (l *Log) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting()
}

func (l *Log) waiting() int { return len(l.records) - int(l.from-l.base) }

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Drain refuses further appends with chat.ErrUnavailable and waits until the
// owner has committed everything, or for ctx. Own must still be running.
func (l *Log) Drain(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.checkDrained()
	l.mu.Unlock()
	select {
	case <-l.drained:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain log: %w", ctx.Err())
	}
}

func (l *Log) checkDrained() {
	if !l.closed || l.waiting() > 0 {
		return
	}
	select {
	case <-l.drained:
	default:
		close(l.drained)
	}
}

// Own implements chat.Log.
func (l *Log) Own(ctx context.Context, own func(ctx context.Context, p chat.Partition) error) error {
	pause := firstPause
	for ctx.Err() == nil {
		began := l.position()
		// The owner has logged why it returned; whatever it was, it is called again.
		_ = own(ctx, &partition{l})
		if l.position() != began {
			pause = firstPause
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
		case <-t.C:
		}
		pause = min(2*pause, lastPause)
	}
	return nil
}

func (l *Log) position() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from
}

// partition is the owner's view of the log.
type partition struct{ l *Log }

// ID implements chat.Partition.
func (p *partition) ID() chat.PartitionID { return chat.PartitionID{Log: p.l.name} }

// Start implements chat.Partition. The first call places the log: what was
// appended until then begins at the store's position.
func (p *partition) Start(_ context.Context, next, prev int64) (int64, error) {
	l := p.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.placed {
		l.placed = true
		l.base, l.from, l.before = next, next, next
		for i, r := range l.records {
			r.Offset = next + int64(i)
		}
	}
	if end := l.base + int64(len(l.records)); next > end {
		return 0, fmt.Errorf("start: the store is at %d, the log ends at %d: %w", next, end, ErrOffset)
	}
	return max(prev, l.base), nil
}

// Fetch implements chat.Partition.
func (p *partition) Fetch(ctx context.Context, from int64, limit int) ([]*chat.Record, error) {
	l := p.l
	for {
		batch, err := l.take(from, limit)
		if err != nil || len(batch) > 0 {
			return batch, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("fetch: %w", ctx.Err())
		case <-l.wake:
		}
	}
}

func (l *Log) take(from int64, limit int) ([]*chat.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.base || from > l.base+int64(len(l.records)) {
		return nil, fmt.Errorf("fetch from %d: %w", from, ErrOffset)
	}
	if from != l.from {
		l.move(from)
	}
	rest := l.records[from-l.base:]
	batch := make([]*chat.Record, min(limit, len(rest)))
	copy(batch, rest)
	return batch, nil
}

// move notes that the owner has come to another place: what is below it is
// committed, but the last of it is kept, should the owner have to go back.
func (l *Log) move(from int64) {
	for _, r := range l.records[min(l.from, from)-l.base : max(l.from, from)-l.base] {
		if from > l.from {
			l.bytes -= size(r)
		} else {
			l.bytes += size(r)
		}
	}
	l.before, l.from = min(l.from, from), from
	l.forget(l.before)
	l.checkDrained()
}

// size is about what a record holds in memory.
func size(r *chat.Record) int {
	c := &r.Command
	n := 512 + len(c.Text) + 16*len(c.UserIDs)
	for i := range c.Attachments {
		n += 128 + len(c.Attachments[i].Name)
	}
	return n
}

// forget drops the records below offset.
func (l *Log) forget(offset int64) {
	n := int(offset - l.base)
	clear(l.records[:n])
	l.records = l.records[n:]
	l.base = offset
}
