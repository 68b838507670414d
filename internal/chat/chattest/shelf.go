package chattest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
)

// Shelf is a log of one partition in memory that keeps its records for good, as
// a durable log does: for tests of what runs ahead of the store. Safe for concurrent use.
type Shelf struct {
	mu      sync.Mutex // guards what follows
	records []*chat.Record
	grown   chan struct{} // closed and renewed when a record comes
}

var _ chat.Log = (*Shelf)(nil)

// NewShelf makes an empty one.
func NewShelf() *Shelf { return &Shelf{grown: make(chan struct{})} }

// Append implements chat.Log.
func (s *Shelf) Append(ctx context.Context, r *chat.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Offset = int64(len(s.records))
	s.records = append(s.records, r)
	close(s.grown)
	s.grown = make(chan struct{})
	return nil
}

// Own implements chat.Log.
func (s *Shelf) Own(ctx context.Context, own func(ctx context.Context, p chat.Partition) error) error {
	for ctx.Err() == nil {
		_ = own(ctx, (*shelfPartition)(s))
	}
	return nil
}

type shelfPartition Shelf

func (p *shelfPartition) ID() chat.PartitionID { return chat.PartitionID{Log: "shelf"} }

func (p *shelfPartition) Start(_ context.Context, _, prev int64) (int64, error) { return prev, nil }

func (p *shelfPartition) Fetch(ctx context.Context, from int64, limit int) ([]*chat.Record, error) {
	for {
		p.mu.Lock()
		rest, grown := p.records[min(from, int64(len(p.records))):], p.grown
		p.mu.Unlock()
		if n := min(limit, len(rest)); n > 0 {
			return rest[:n:n], nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("fetch: %w", ctx.Err())
		case <-grown:
		}
	}
}

// Behind is a journal that can be made to lag: while it is held it takes no commit.
type Behind struct {
	chat.Journal
	held atomic.Bool
}

// Hold makes it lag, or lets it catch up.
func (b *Behind) Hold(on bool) { b.held.Store(on) }

// Commit implements chat.Journal.
func (b *Behind) Commit(ctx context.Context, batch *chat.Batch) error {
	if b.held.Load() {
		return fmt.Errorf("commit: held: %w", chat.ErrUnavailable)
	}
	return b.Journal.Commit(ctx, batch) //nolint:wrapcheck // a wrapper
}
