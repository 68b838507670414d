package sequencer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
	// storeLimit is how long the store may take to answer; one that takes longer is down.
	storeLimit = 10 * time.Second
)

// ErrRolledBack means that the store does not have what it had committed, as
// after a restored backup: the owner decides it again from the log.
var ErrRolledBack = errors.New("the store is behind what it had committed")

// loadLoop is the loader: it asks the store until it answers.
func (a *ahead) loadLoop(ctx context.Context) error {
	for {
		var l *load
		select {
		case <-ctx.Done():
			return nil
		case l = <-a.loads:
		}
		if err := a.loadFacts(ctx, l); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case a.loaded <- l:
		}
	}
}

func (a *ahead) loadFacts(ctx context.Context, l *load) error {
	began := a.s.o.Now()
	tries := 0
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := a.loadOnce(ctx, l)
		switch {
		case err == nil:
			if m := a.s.o.Metrics.Loaded; m != nil {
				m(len(l.facts), a.s.o.Now().Sub(began))
			}
			return nil
		case errors.Is(err, chat.ErrFenced), errors.Is(err, ErrRolledBack):
			return err
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that the caller asked for
		}
		if tries++; tries%remark == 1 {
			a.s.o.Logger.WarnContext(ctx, "facts could not be loaded", "partition", a.id.Partition, "conversations", len(l.facts), "tries", tries, "error", err)
		}
		if !sleep(ctx, pause) {
			return nil
		}
		for i := range l.facts {
			l.facts[i] = chat.NewState(l.facts[i].ID) // it may hold a part
		}
	}
}

// loadOnce loads, and then makes sure that the facts are not newer than the
// records they are for. They are if somebody else commits for this partition: then
// this owner was given up for dead, and must not decide on them.
func (a *ahead) loadOnce(ctx context.Context, l *load) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	committed := a.window.committed()
	if err := a.s.journal.Load(ctx, l.facts, l.wants); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	next, _, err := a.s.journal.Position(ctx, a.id)
	switch {
	case err != nil:
		return fmt.Errorf("load: read position: %w", err)
	case next < committed:
		return fmt.Errorf("load: position %d after %d: %w", next, committed, ErrRolledBack)
	case next > l.before:
		return fmt.Errorf("load: position %d, for record %d: %w", next, l.before, chat.ErrFenced)
	}
	return nil
}

// sleep waits; false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
