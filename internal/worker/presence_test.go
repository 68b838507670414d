package worker

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/inproc"
)

// distant is leases on another machine, which can be out of reach for this node.
type distant struct {
	*inproc.Presence
	away atomic.Bool
}

// reach waits in vain while they are out of reach.
func (d *distant) reach(ctx context.Context) error {
	if !d.away.Load() {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
	case <-time.After(2 * time.Second):
	}
	return errors.New("out of reach")
}

func (d *distant) Renew(ctx context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	if err := d.reach(ctx); err != nil {
		return nil, err
	}
	return d.Presence.Renew(ctx, node, users, now)
}

func (d *distant) Leave(ctx context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	if err := d.reach(ctx); err != nil {
		return nil, err
	}
	return d.Presence.Leave(ctx, node, users, now)
}

// station is a node with one person on it, on a clock that stands still but in sleep.
type station struct {
	*Presence
	t      *testing.T
	leases *distant
	bus    *ear
	seen   *sticky
	here   atomic.Bool // the person has a socket
	heard  atomic.Bool // and it answers
}

// inStation runs a test on a station. The person comes after a while: renewals
// are at any distance from that.
func inStation(t *testing.T, after time.Duration, test func(*station)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &station{t: t, leases: &distant{Presence: inproc.NewPresence()}, bus: &ear{}, seen: &sticky{seenStore: &seenStore{seen: map[chat.UserID]chat.Time{}}}}
		s.Presence = NewPresence(PresenceDeps{
			Leases: s.leases, Seen: s.seen, Bus: s.bus, Node: "n1", Now: time.Now, Logger: quiet,
			Local: func() []chat.UserID {
				if !s.here.Load() {
					return nil
				}
				return []chat.UserID{user(1)}
			},
			Heard: func(chat.UserID) bool { return s.heard.Load() },
		})
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = s.Run(ctx) }) // always nil
		time.Sleep(after)
		s.come()
		test(s)
		s.leases.away.Store(false)
		cancel()
		run.Wait()
	})
}

func (s *station) come() {
	s.heard.Store(true)
	s.here.Store(true)
	s.Came(user(1))
	synctest.Wait()
}

func (s *station) leave() {
	s.heard.Store(false)
	s.here.Store(false)
	s.Left(user(1))
	synctest.Wait()
}

// online is what a node sees that can reach the leases.
func (s *station) online() bool {
	s.t.Helper()
	got, err := s.leases.Online(s.t.Context(), []chat.UserID{user(1)}, chat.TimeOf(time.Now()))
	if err != nil {
		s.t.Fatal(err)
	}
	return got[user(1)]
}

// told gives what watchers were told since the last time.
func (s *station) told() (out []told) {
	s.t.Helper()
	for _, e := range s.bus.take() {
		var one told
		if err := json.Unmarshal(e.Data, &one); err != nil {
			s.t.Error(err)
		}
		out = append(out, one)
	}
	return out
}

type told struct {
	Online bool      `json:"online"`
	Seen   chat.Time `json:"last_seen_at"`
}

// phases are how long after a renewal something may happen.
func phases(t *testing.T, test func(t *testing.T, after time.Duration)) {
	for after := time.Duration(0); after < RenewEvery; after += 700 * time.Millisecond {
		t.Run(after.String(), func(t *testing.T) { test(t, after) })
	}
}

// silent is after what time without a sign of life nobody counts as heard any more, and gone
// when the gateway says that they left: see the sum in docs/adr/0011-redis-bus.md.
const (
	silent = 30 * time.Second
	gone   = 50*time.Second + 250*time.Millisecond
)

// TestWhoVanishesIsOfflineThoughNobodyCanSaySo: the node that knows it is cut off from the
// leases at the worst moment, just after it has renewed for the last time.
func TestWhoVanishesIsOfflineThoughNobodyCanSaySo(t *testing.T) {
	phases(t, func(t *testing.T, after time.Duration) {
		inStation(t, after, func(s *station) {
			time.Sleep(time.Minute)
			vanished := time.Now()
			time.Sleep(silent)
			s.heard.Store(false)
			time.Sleep(gone - silent - time.Second)
			s.leases.away.Store(true)
			time.Sleep(time.Second)
			s.leave()
			for s.online() {
				if lost := time.Since(vanished); lost > silent+40*time.Second+100*time.Millisecond {
					s.t.Fatalf("still online after %s", lost)
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
	})
}

// TestALeaseIsEndedAsSoonAsThatCanBeDone, and watchers are told once, with the time at which it was.
func TestALeaseIsEndedAsSoonAsThatCanBeDone(t *testing.T) {
	inStation(t, 0, func(s *station) {
		time.Sleep(time.Minute)
		s.told()
		s.leases.away.Store(true)
		left := chat.TimeOf(time.Now())
		s.leave()
		time.Sleep(8 * time.Second)
		synctest.Wait()
		if got := s.told(); !s.online() || len(got) > 0 {
			t.Fatalf("got %v, online %v, while nobody could be told", got, s.online())
		}
		s.leases.away.Store(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := s.told(); s.online() || !slices.Equal(got, []told{{false, left}}) {
			t.Errorf("got %v, online %v, want it told that they left at %d", got, s.online(), left)
		}
		if at := s.seen.seen[user(1)]; at != left {
			t.Errorf("got seen at %d, want %d", at, left)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := s.told(); len(got) > 0 {
			t.Errorf("got %v, want it told once", got)
		}
	})
}

// TestWhoComesBackIsNotSentAway by the end of a lease that was still owed.
func TestWhoComesBackIsNotSentAway(t *testing.T) {
	inStation(t, 0, func(s *station) {
		time.Sleep(time.Minute)
		s.told()
		s.leases.away.Store(true)
		s.leave()
		time.Sleep(3 * time.Second)
		s.come()
		s.leases.away.Store(false)
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if !s.online() {
				t.Fatal("offline, with a socket")
			}
		}
		if got := s.told(); len(got) > 0 {
			t.Errorf("got %v of somebody who was always there", got)
		}
	})
}

// TestNobodyFlickersWhileLeasesAreOutOfReach for 20 s, whenever that begins, and though the
// person's own line is slow.
func TestNobodyFlickersWhileLeasesAreOutOfReach(t *testing.T) {
	phases(t, func(t *testing.T, after time.Duration) {
		inStation(t, after, func(s *station) {
			time.Sleep(time.Minute)
			s.told()
			s.leases.away.Store(true)
			for i := range 700 {
				if i == 200 {
					s.leases.away.Store(false)
				}
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
				if !s.online() {
					t.Fatalf("offline %d ms after the leases went out of reach", (i+1)*100)
				}
			}
			if got := s.told(); len(got) > 0 {
				t.Errorf("got %v of somebody who was always there", got)
			}
		})
	})
}

// TestWhoAnswersLateStaysOnline: a client whose every answer takes as long as it may is silent
// most of the time.
func TestWhoAnswersLateStaysOnline(t *testing.T) {
	phases(t, func(t *testing.T, after time.Duration) {
		inStation(t, after, func(s *station) {
			for range 10 {
				for tenths := range 250 { // of a ping's round; the answer takes 19.5 s
					s.heard.Store(tenths < 50 || tenths >= 195)
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
					if !s.online() {
						t.Fatal("offline, with a socket that answers in time")
					}
				}
			}
		})
	})
}

// sticky is a store that takes as long as it may while it is stuck.
type sticky struct {
	*seenStore
	stuck atomic.Bool
}

func (s *sticky) TouchSeen(ctx context.Context, seen map[chat.UserID]chat.Time) error {
	if s.stuck.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.seenStore.TouchSeen(ctx, seen)
}

// TestALeaseEndsThoughTheStoreIsStuck: what it has to note is noted first, and not at any price.
func TestALeaseEndsThoughTheStoreIsStuck(t *testing.T) {
	inStation(t, 0, func(s *station) {
		time.Sleep(time.Minute)
		s.seen.stuck.Store(true)
		s.leave()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if s.online() {
			t.Error("online still")
		}
		s.seen.stuck.Store(false)
	})
}
