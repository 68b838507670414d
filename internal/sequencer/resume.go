package sequencer

import (
	"context"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

// errUnknown is told to whoever waits for a command that an owner before this
// one may have applied, where applying it again does not show what became of it.
var errUnknown = &chat.Error{
	Code: chat.CodeUnavailable, Reason: "outcome_unknown", RetryAfter: chat.ErrUnavailable.RetryAfter,
	Message: "It is not known whether this was done; look, and try again.",
}

// resume starts from the store's truth, and gives the offset from which records
// are to be applied. The batch before it is told once more: whoever committed it
// may have died before telling.
func (c *claim) resume(ctx context.Context) (int64, error) {
	next, prev, err := c.s.journal.Position(ctx, c.id)
	if err != nil {
		return 0, fmt.Errorf("read position: %w", err)
	}
	start, err := c.p.Start(ctx, next, prev)
	if err != nil {
		return 0, fmt.Errorf("start at %d: %w", next, err)
	}
	if start > next {
		return 0, fmt.Errorf("the log begins at %d, the store is at %d: %w", start, next, ErrHole)
	}
	if t := c.s.kept(c.id); t != nil {
		// This process made the batch. If the position is where the batch ends,
		// it was committed; its answers are still here.
		if t.batch.From == prev && t.batch.Next == next {
			if err := c.s.tell(ctx, t); err != nil {
				return 0, err
			}
			start = next
		}
		c.s.keep(c.id, nil)
	}
	if err := c.answer(ctx, start, next); err != nil {
		return 0, err
	}
	// Entries of other processes' last batches cannot be told apart from those
	// that were published: nodes compare heads.
	if err := c.s.bus.Resync(ctx); err != nil {
		return 0, fmt.Errorf("resync: %w", err)
	}
	return next, nil
}

// answer applies records that are committed already once more, only to answer
// them; nothing is written. What it cannot know it says so.
func (c *claim) answer(ctx context.Context, from, next int64) error {
	for from < next {
		records, err := c.fetch(ctx, from, int(min(maxBatch, next-from)))
		if err != nil {
			return err
		}
		t, err := c.decide(ctx, records)
		if err != nil {
			return err
		}
		for i := range t.outcomes {
			if o := &t.outcomes[i]; !o.Repeated {
				*o = chat.Outcome{RecordID: o.RecordID, Node: o.Node, Err: errUnknown}
			}
		}
		if err := c.s.tell(ctx, &turn{outcomes: t.outcomes}); err != nil {
			return err
		}
		// What decide changed was made up.
		c.states = newStates(maxStates)
		from += int64(len(records))
	}
	return nil
}
