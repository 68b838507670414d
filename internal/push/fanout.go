package push

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// finisher notes what became of notifications: a part of chat.Pushes.
type finisher interface {
	FinishPushes(ctx context.Context, results []chat.PushResult) error
}

// each does something with each of n, at most so many at a time, and waits for all of it.
func each(n, most int, do func(i int)) {
	slots := make(chan struct{}, most)
	var under sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		under.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	under.Wait()
}

// finish notes results that have a verdict.
func finish(ctx context.Context, to finisher, results []chat.PushResult) error {
	done := slices.DeleteFunc(results, func(r chat.PushResult) bool { return r.Verdict == "" })
	if len(done) == 0 {
		return nil
	}
	if err := to.FinishPushes(ctx, done); err != nil {
		return fmt.Errorf("note what was sent: %w", err)
	}
	return nil
}
