package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// graveyard is a store of revoked sessions that can be out of reach.
type graveyard struct {
	mu   sync.Mutex
	list []chat.EndedSession
	fail bool
}

func (g *graveyard) EndedSince(_ context.Context, at chat.Time, limit int) ([]chat.EndedSession, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail {
		return nil, errors.New("no way to the store")
	}
	var out []chat.EndedSession
	for _, s := range g.list {
		if s.At >= at && len(out) < limit {
			out = append(out, s)
		}
	}
	return out, nil
}

func (g *graveyard) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

func TestRevokedSessionsAreHeardOfFromTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &graveyard{}
		var told []chat.Event
		e := NewEnded(g, func(events []chat.Event) { told = append(told, events...) }, time.Now, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := e.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		end := func(n int, ago time.Duration) {
			g.set(func() {
				g.list = append(g.list, chat.EndedSession{ID: chattest.SessionID(n), UserID: chattest.User(n), At: chat.TimeOf(time.Now().Add(-ago))})
			})
		}
		want := func(what string, n int, informed, away bool) {
			t.Helper()
			synctest.Wait()
			if len(told) != n || e.Informed() != informed || e.Away() != away {
				t.Errorf("%s: got %d told, informed %v, away %v; want %d, %v, %v", what, len(told), e.Informed(), e.Away(), n, informed, away)
			}
		}
		want("at first", 0, true, false)
		end(1, 0)
		time.Sleep(time.Second)
		want("one", 1, true, false)
		if ev := told[0]; ev.Kind != chat.EventSession || ev.Topic.ID != chattest.User(1) || string(ev.Data) != `{"session_id":"`+chattest.SessionID(1).String()+`"}` {
			t.Errorf("got %+v", ev)
		}
		end(2, 20*time.Second) // by a node whose clock is behind, or whose commit was slow
		time.Sleep(time.Second)
		want("a late one", 2, true, false)
		time.Sleep(time.Minute)
		want("nothing new", 2, true, false)
		if len(e.told) != 0 {
			t.Errorf("got %d remembered, want none after a minute", len(e.told))
		}
		g.set(func() { g.fail = true })
		time.Sleep(2 * time.Second)
		want("deaf", 2, false, false)
		time.Sleep(2 * time.Second)
		want("away", 2, false, true)
		end(3, 0)
		g.set(func() { g.fail = false })
		time.Sleep(time.Second)
		want("back", 3, true, false)
		for n := range 2*endedPage + 10 { // more than one page, several at one time
			end(100+n, 0)
			if n%7 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Second)
		want("many", 3+2*endedPage+10, true, false)
		cancel()
		running.Wait()
	})
}
