package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// indexPause lets messages gather before they are indexed together.
	indexPause = 150 * time.Millisecond
	// indexEvery is how often the index looks for what nobody told it of.
	indexEvery = 5 * time.Second
)

// fullText is the full-text index of a store. It follows the log: a commit does
// not wait for it, and what it has to do survives any end of the process.
type fullText interface {
	// some indexes a part of what is new and gives how much that was: 0 when
	// nothing is left to do. One goroutine at a time calls it.
	some(ctx context.Context) (int, error)
	// find prepares a search for words that were folded, from a cursor on. A nil
	// finder means that nothing can be found.
	find(ctx context.Context, user chat.UserID, q *chat.SearchQuery, words [][]rune) (finder, error)
}

// finder looks for messages, step by step. One goroutine uses it.
type finder interface {
	// look gives messages that the person may see and that may be meant, newest
	// first, older than those of the last look. scanned is how many it looked at;
	// more is false when there are none behind them.
	look(ctx context.Context) (found []candidate, scanned int, more bool, err error)
	// cursor is where the last look ended.
	cursor() string
}

// candidate is a message that may be meant, and the cursor of what is behind it.
type candidate struct {
	m      *chat.Message
	cursor string
}

// indexSoon says that something was committed. It does not wait.
func (s *Store) indexSoon() {
	if s.index == nil {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Index keeps the full-text index in step with the log until ctx ends: what was
// committed is found soon after. While much is to be indexed it rests as long as it
// works, so that commits have the machine too. What fails is reported, and tried again.
func (s *Store) Index(ctx context.Context, report func(error)) {
	if s.index == nil {
		return
	}
	s.indexSoon() // what was left when the process ended
	tick := time.NewTicker(indexEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
		for pause := indexPause; ; {
			if !sleep(ctx, pause) {
				return
			}
			began := time.Now() //nolint:forbidigo // how long the work took, for the rest after it
			n, err := s.index.some(ctx)
			if err != nil && ctx.Err() == nil {
				report(fmt.Errorf("index messages: %w", s.d.classify(err)))
			}
			if n == 0 || err != nil {
				break
			}
			pause = time.Since(began) //nolint:forbidigo // as above
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
