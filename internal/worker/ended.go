package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// endedEvery is how often the store is asked, and endedTimeout how long its answer
	// may take: together they are well below the two seconds within which a revocation
	// has to be heard on every node.
	endedEvery   = 500 * time.Millisecond
	endedTimeout = time.Second
	// endedMargin is how far every question reaches back: transactions that end late,
	// and clocks of nodes that differ, must not hide anything.
	endedMargin = chat.Time(30_000)
	endedPage   = 1_000
	// heardFor is how long an answer counts, awayAfter when the store counts as out of
	// reach for lack of one.
	heardFor  = 1500 * time.Millisecond
	awayAfter = 3 * time.Second
)

// EndedReader is the part of chat.Sessions that tells what was revoked.
type EndedReader interface {
	EndedSince(ctx context.Context, at chat.Time, limit int) ([]chat.EndedSession, error)
}

// Ended hears of revoked sessions from the store, whatever becomes of the bus, and so
// knows at all times whether the store can be reached. The zero value is not ready; safe
// for concurrent use but for Run, which is called once.
type Ended struct {
	sessions EndedReader
	tell     func([]chat.Event)
	now      func() time.Time
	logger   *slog.Logger

	heard atomic.Int64                 // when the last answer was asked for, in unix nanoseconds
	told  map[chat.SessionID]chat.Time // Run's: what was told, as far back as questions reach
}

// NewEnded makes one that tells of revoked sessions as the bus would. The store is
// taken to have been reached just now.
func NewEnded(sessions EndedReader, tell func([]chat.Event), now func() time.Time, logger *slog.Logger) *Ended {
	e := &Ended{sessions: sessions, tell: tell, now: now, logger: logger, told: make(map[chat.SessionID]chat.Time)}
	e.heard.Store(now().UnixNano())
	return e
}

// Informed reports whether a session that was revoked more than a moment ago would have been told of.
func (e *Ended) Informed() bool { return e.silence() < heardFor }

// Away reports whether the store has not answered for some seconds.
func (e *Ended) Away() bool { return e.silence() >= awayAfter }

func (e *Ended) silence() time.Duration { return e.now().Sub(time.Unix(0, e.heard.Load())) }

// Run asks until ctx ends.
func (e *Ended) Run(ctx context.Context) error {
	tick := time.NewTicker(endedEvery)
	defer tick.Stop()
	failing := false
	for {
		err := e.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if failed := err != nil; failed != failing { // once an outage
			failing = failed
			if failed {
				e.logger.Warn("revoked sessions are not heard of: the store does not answer", "error", err)
			} else {
				e.logger.Info("revoked sessions are heard of again")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (e *Ended) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endedTimeout)
	defer cancel()
	asked := e.now()
	from := chat.TimeOf(asked) - endedMargin
	for since := from; ; {
		list, err := e.sessions.EndedSince(ctx, since, endedPage)
		if err != nil {
			return err //nolint:wrapcheck // Run says what it was for
		}
		var events []chat.Event
		for _, s := range list {
			if _, told := e.told[s.ID]; told {
				continue
			}
			e.told[s.ID] = s.At
			events = append(events, chat.Event{
				Topic: chat.Topic{Kind: chat.TopicUser, ID: s.UserID}, Kind: chat.EventSession,
				Data: []byte(`{"session_id":"` + s.ID.String() + `"}`),
			})
		}
		if len(events) > 0 {
			e.tell(events)
		}
		if len(list) < endedPage || list[len(list)-1].At == since {
			break
		}
		since = list[len(list)-1].At
	}
	for id, at := range e.told {
		if at < from {
			delete(e.told, id)
		}
	}
	e.heard.Store(asked.UnixNano())
	return nil
}
