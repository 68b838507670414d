package sequencer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
)

const (
	// gather is how long a commit waits for more, where the one before it was small:
	// nobody waits for it but who reads what was written just now. In a stream of small
	// commits it waits for the next beat, which is the same for all partitions of a node,
	// so that what they do then is done together: fewer transactions, which wait for the
	// disk at the same time, and one request with all that goes to the feed.
	gather = 10 * time.Millisecond
	beat   = 40 * time.Millisecond
	// flushLimit bounds the commits after the end of a claim.
	flushLimit = 3 * time.Second
	// refusals is how often a store that answers may refuse a commit; then the owner
	// starts again from the store's truth.
	refusals = 5
	// remark is how many failures of the store make another line in the log.
	remark = 20
)

// committer commits what is told, in order, in batches that are larger the
// further the store is behind. It tries again until the store takes them.
type committer struct {
	*claim
	window *window
	// attempts are the ends of batches whose commit may have happened: the store at
	// one of them is where this owner brought it.
	attempts map[int64]bool
	fed      int64 // entries of records below are in the feed
	refused  int   // commits in a row that a store which answers did not take
	failed   int   // commits in a row
	last     time.Time
}

// pause gives how long to wait before what was told is committed.
func (c *committer) pause() time.Duration {
	now := c.s.o.Now()
	if now.Sub(c.last) > 2*beat {
		return gather
	}
	return beat - time.Duration(now.UnixNano()%int64(beat))
}

func (c *committer) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.window.told:
		}
		if !sleep(ctx, c.pause()) {
			return nil
		}
		for {
			c.last = c.s.o.Now()
			more, err := c.next(ctx)
			if err != nil {
				return err
			}
			if !more {
				break
			}
			if c.window.small() {
				signal(c.window.told)
				break
			}
		}
	}
}

// next commits one batch, however often it has to be tried; false if there is none.
func (c *committer) next(ctx context.Context) (more bool, err error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		from, slots := c.window.due()
		if len(slots) == 0 {
			return false, nil
		}
		err := c.commit(ctx, from, slots)
		switch {
		case err == nil:
			if c.failed >= remark {
				c.s.o.Logger.InfoContext(ctx, "the store takes again what was told", "partition", c.id.Partition, "tries", c.failed)
			}
			c.failed = 0
			return true, nil
		case ctx.Err() != nil:
			return false, nil //nolint:nilerr // the end that the caller asked for
		case fatal(err) || c.refused > refusals:
			return false, err
		}
		if c.failed++; c.failed%remark == 1 {
			c.s.o.Logger.WarnContext(ctx, "the store does not take what was told", "partition", c.id.Partition, "records", c.window.len(), "tries", c.failed, "error", err)
		}
		if !sleep(ctx, pause) {
			return false, nil
		}
	}
}

func fatal(err error) bool { return errors.Is(err, chat.ErrFenced) || errors.Is(err, ErrRolledBack) }

// commit tries once. Entries are in the feed before they are in the store, so that
// whoever takes over at the store's position finds none missing there.
func (c *committer) commit(ctx context.Context, from int64, slots []*slot) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	b := batchOf(c.id, from, slots)
	if err := c.publish(ctx, from, slots); err != nil {
		return err
	}
	began := c.s.o.Now()
	b.At = chat.TimeOf(began)
	c.attempts[b.Next] = true
	if sabotage.OffsetEarly {
		early := *b
		early.Changes, early.JSON = nil, nil
		if err := c.s.journal.Commit(ctx, &early); err == nil {
			b.From = b.Next
		}
	}
	err := c.s.journal.Commit(ctx, b)
	if err == nil {
		c.settle(b.Next)
		if m := c.s.o.Metrics.Batch; m != nil {
			m(len(slots), len(b.Changes), 0, c.s.o.Now().Sub(began))
		}
		return nil
	}
	return c.find(ctx, from, err)
}

// find looks what became of a commit that failed.
func (c *committer) find(ctx context.Context, from int64, failed error) error {
	next, _, err := c.s.journal.Position(ctx, c.id)
	switch {
	case err != nil:
		return fmt.Errorf("commit: %w", errors.Join(failed, err))
	case next == from:
		if !errors.Is(failed, chat.ErrUnavailable) && !errors.Is(failed, context.DeadlineExceeded) {
			c.refused++ // it answers, and did not take it
		}
		return fmt.Errorf("commit: %w", withoutFence(failed))
	case next < from:
		return fmt.Errorf("commit: position %d after %d: %w", next, from, ErrRolledBack)
	case !c.attempts[next] || !c.window.has(next):
		return fmt.Errorf("commit at %d: the store is at %d: %w", from, next, chat.ErrFenced)
	}
	c.settle(next) // it happened, only the answer was lost
	return nil
}

// withoutFence hides that a commit was fenced: the position says that it was not.
func withoutFence(err error) error {
	if errors.Is(err, chat.ErrFenced) {
		return fmt.Errorf("the position moved and came back (%v)", err) //nolint:errorlint // hidden on purpose
	}
	return err
}

func (c *committer) settle(next int64) {
	c.window.settle(next)
	clear(c.attempts)
	c.refused = 0
}

// publish appends the entries to the feed that are not there yet.
func (c *committer) publish(ctx context.Context, from int64, slots []*slot) error {
	if c.s.o.Feed == nil {
		return nil
	}
	var entries []*chat.Entry
	var bodies [][]byte
	for _, s := range slots[min(max(0, c.fed-from), int64(len(slots))):] {
		if s.change != nil {
			entries, bodies = append(entries, s.change.Entry), append(bodies, s.body)
		}
	}
	if len(entries) > 0 {
		if err := c.s.o.Feed.PublishEntries(ctx, entries, bodies); err != nil {
			return fmt.Errorf("feed: %w", err)
		}
	}
	c.fed = max(c.fed, from+int64(len(slots)))
	return nil
}

func batchOf(id chat.PartitionID, from int64, slots []*slot) *chat.Batch {
	b := &chat.Batch{
		Partition: id, From: from, Next: from + int64(len(slots)),
		Changes: make([]*chat.Change, 0, len(slots)), JSON: make([][]byte, 0, len(slots)),
	}
	for _, s := range slots {
		if s.change != nil {
			b.Changes, b.JSON = append(b.Changes, s.change), append(b.JSON, s.body)
		}
	}
	return b
}

// flush commits what is told after the end of a claim, so that whoever takes over
// has less to do again. It stops at the first trouble: nothing is lost.
func (c *committer) flush(ctx context.Context, cause error) {
	if fatal(cause) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
	defer cancel()
	for {
		from, slots := c.window.due()
		if len(slots) == 0 || ctx.Err() != nil {
			return
		}
		if err := c.commit(ctx, from, slots); err != nil {
			c.s.o.Logger.WarnContext(ctx, "ended ahead of the store", "partition", c.id.Partition, "records", len(slots), "error", err)
			return
		}
	}
}
