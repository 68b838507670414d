package sequencer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sequencer"
)

func at(n int, cmd chat.Command) chat.Command {
	cmd.At = chattest.Epoch + chat.Time(n)*1000
	return cmd
}

// The store is away for a minute of writing: who writes where they wrote before is
// answered at once, all the time; in the end the store has all of it.
func TestAheadStoreAwayForAMinute(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) chattest.LogStore{
		"memory": func(*testing.T) chattest.LogStore { return chattest.NewMemory() },
		"sqlite": func(t *testing.T) chattest.LogStore { return openSQL(t) },
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testAway(t, open(t)) }) })
	}
}

func testAway(t *testing.T, store chattest.LogStore) {
	const rooms, perSecond, seconds = 8, 20, 60
	c := newCluster(t, store, 1)
	var ids []chat.ConversationID
	n := 0
	for r := range rooms {
		ids = append(ids, chattest.Room(r))
		c.shelf.append(chattest.Create(chat.Group, chattest.Room(r), chattest.User(0), chattest.User(1)))
		for u := range 2 { // warm
			c.shelf.append(at(n, chattest.Send(chattest.Room(r), chattest.User(u), fmt.Sprintf("k%06d", n), "before")))
			n++
		}
	}
	p := c.boot()
	c.await()
	c.set(func() { c.down = true })
	cold := len(c.shelf.all())
	c.shelf.append(at(n, chattest.React(chattest.Room(rooms), chattest.User(0), 1, "👍", true))) // nobody has it in memory
	slowest := time.Duration(0)
	for range perSecond * seconds {
		sent := time.Now()
		c.shelf.append(at(n, chattest.Send(chattest.Room(n%rooms), chattest.User(n/rooms%2), fmt.Sprintf("k%06d", n), "meanwhile")))
		n++
		c.answers(len(c.shelf.all()) - 1) // all but the cold one
		slowest = max(slowest, time.Since(sent))
		time.Sleep(time.Second / perSecond)
	}
	if slowest > 50*time.Millisecond { // the bus of this test takes up to 30
		t.Errorf("an answer took %s", slowest)
	}
	for _, o := range c.heard() {
		if o.RecordID == chattest.RecordID(cold) {
			t.Errorf("the cold one was answered without the store: %+v", o)
		}
	}
	if next, _, err := store.Position(t.Context(), c.shelf.ID()); err != nil || next != int64(cold) {
		t.Errorf("the store is at %d, %v, want %d", next, err, cold)
	}
	back := time.Now()
	c.set(func() { c.down = false })
	c.await()
	if took := time.Since(back); took > 3*time.Second {
		t.Errorf("the store caught up after %s", took)
	}
	p.stop()
	c.check(ids)
}

// A window that is full takes no more records from the log, and goes on when the
// store does.
func TestAheadWindowIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, chattest.NewMemory(), 1)
		c.opts.WindowBytes = 4 << 20
		var s *sequencer.Sequencer
		c.onBoot = func(made *sequencer.Sequencer) { s = made }
		c.shelf.append(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
		p := c.boot()
		c.await()
		c.set(func() { c.down = true })
		text := strings.Repeat("x", 4000)
		for n := range 2000 {
			c.shelf.append(at(n, chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprintf("k%06d", n), text)))
		}
		time.Sleep(30 * time.Second)
		lag := s.Lag()
		// Fewer than 299 records of 14 kB are not full; a batch of 512 comes on top.
		if read := c.shelf.fetched(); read > 1+298+512 || lag.Records < 256 || lag.Bytes < 4<<20 || lag.Bytes > 12<<20 {
			t.Errorf("%d of 2001 records were taken, the window has %+v", read, lag)
		}
		if lag.Oldest < 25*time.Second {
			t.Errorf("the oldest is %s", lag.Oldest)
		}
		c.set(func() { c.down = false })
		c.await()
		time.Sleep(time.Second)
		if lag := s.Lag(); lag != (sequencer.Lag{}) {
			t.Errorf("all is committed, and the window has %+v", lag)
		}
		p.stop()
		c.check([]chat.ConversationID{chattest.Room(0)})
	})
}

// An owner that was paused wakes up after another took over. What it has in memory
// leads it to the same numbers; what it has to look up the store knows too well by now, and
// it must not decide on that.
func TestAheadZombieDoesNotDecideOnFactsOfItsFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, chattest.NewMemory(), 1)
		a, b := chattest.Room(0), chattest.Room(1)
		me, other := chattest.User(0), chattest.User(1)
		c.shelf.append(
			chattest.Create(chat.Group, a, me, other), chattest.Create(chat.Group, b, me, other),
			at(1, chattest.Send(a, me, "k1", "one")),
		)
		maker := c.boot() // warms the store only
		c.await()
		maker.stop()
		zombie := c.boot()
		c.shelf.append(at(2, chattest.Send(a, me, "k2", "two"))) // now it knows a, and not b
		c.await()
		time.Sleep(time.Second)
		zombie.gate.pause()
		next := c.boot()
		c.shelf.append(
			at(3, chattest.Send(b, other, "k1", "the first in b")), at(4, chattest.Remove(b, me, other)),
			at(5, chattest.Send(a, me, "k3", "three")), at(6, chattest.Send(b, me, "k4", "the last in b")),
		)
		c.await()
		time.Sleep(40 * time.Second)
		before := len(c.heard())
		zombie.gate.resume()
		time.Sleep(10 * time.Second)
		if len(c.heard()) == before {
			t.Error("the zombie did not even try: the test shows nothing")
		}
		zombie.stop()
		next.stop()
		c.check([]chat.ConversationID{a, b})
	})
}

// A command whose deciding panics is refused. Its conversation goes on, on a state
// that is loaded anew once what was decided before is committed; others do not wait.
func TestAheadPanicRefusesOneRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, chattest.NewMemory(), 1)
		c.onBoot = func(s *sequencer.Sequencer) {
			s.SetApply(func(st *chat.State, cmd *chat.Command) (*chat.Change, *chat.Entry, *chat.Error) {
				if cmd.Text == "panic" {
					st.Head.Seq += 7 // half done
					panic("a bug")
				}
				return chat.Apply(st, cmd)
			})
		}
		a, b, me := chattest.Room(0), chattest.Room(1), chattest.User(0)
		c.shelf.append(chattest.Create(chat.Group, a, me), chattest.Create(chat.Group, b, me),
			at(1, chattest.Send(a, me, "k1", "one")), at(1, chattest.Send(b, me, "k1", "one")))
		p := c.boot()
		c.await()
		c.set(func() { c.down = true })
		c.shelf.append(at(2, chattest.Send(a, me, "k2", "two")), at(3, chattest.Send(a, me, "k3", "panic")),
			at(4, chattest.Send(a, me, "k4", "four")), at(4, chattest.Send(b, me, "k2", "two")))
		c.answers(6) // all but the one that panicked and the one behind it
		time.Sleep(time.Minute)
		if n := len(c.heard()); n != 6 {
			t.Errorf("%d answers while the state cannot be loaded", n)
		}
		c.set(func() { c.down = false })
		c.await()
		p.stop()
		want := map[string]chat.Seq{"k1": 2, "k2": 3, "k4": 4}
		for _, e := range chattest.ReadLog(t, c.store, a)[1:] {
			if want[e.ClientID] != e.Seq {
				t.Errorf("%s has seq %d, want %d", e.ClientID, e.Seq, want[e.ClientID])
			}
			delete(want, e.ClientID)
		}
		if len(want) > 0 {
			t.Errorf("missing: %v", want)
		}
		for _, o := range c.told {
			if o.RecordID == chattest.RecordID(5) && (o.Err == nil || o.Err.Code != chat.CodeInternal) {
				t.Errorf("the one that panicked was answered %+v", o)
			}
		}
	})
}

// Who gives a partition up commits what it decided, but does not wait for a store
// that is down.
func TestAheadHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, chattest.NewMemory(), 1)
		me := chattest.User(0)
		c.shelf.append(chattest.Create(chat.Group, chattest.Room(0), me))
		p := c.boot()
		c.await()
		c.set(func() { c.down = true })
		c.shelf.append(at(1, chattest.Send(chattest.Room(0), me, "k1", "one")))
		c.answers(2)
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("giving up without a store took %s", took)
		}
		c.set(func() { c.down = false })
		p = c.boot()
		c.await()
		c.shelf.append(at(2, chattest.Send(chattest.Room(0), me, "k2", "two")))
		c.answers(3)
		p.stop()
		c.awaitAt(3)
		c.check([]chat.ConversationID{chattest.Room(0)})
	})
}

// However long a conversation is written to without a pause, an owner keeps only
// its latest messages.
func TestAheadForgetsOfBusyConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, chattest.NewMemory(), 1)
		var largest atomic.Int64
		c.onBoot = func(s *sequencer.Sequencer) {
			s.SetApply(func(st *chat.State, cmd *chat.Command) (*chat.Change, *chat.Entry, *chat.Error) {
				largest.Store(max(largest.Load(), int64(len(st.Messages)+len(st.Sent)/16+len(st.Members))))
				return chat.Apply(st, cmd)
			})
		}
		me := chattest.User(0)
		c.shelf.append(chattest.Create(chat.Group, chattest.Room(0), me))
		p := c.boot()
		for n := range 20_000 {
			c.shelf.append(at(n, chattest.Send(chattest.Room(0), me, fmt.Sprintf("k%06d", n), "again")))
			if n%5 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		c.await()
		p.stop()
		if n := largest.Load(); n < 128 || n > 1500 {
			t.Errorf("up to %d facts of one conversation are in memory", n)
		}
	})
}

// refusing is a store that answers and takes nothing.
type refusing struct {
	chat.Journal
	on atomic.Bool
}

var errRefused = errors.New("a constraint is violated")

func (r *refusing) Commit(ctx context.Context, b *chat.Batch) error {
	if r.on.Load() {
		return errRefused
	}
	return r.Journal.Commit(ctx, b)
}

// A store that answers and does not take a batch, again and again, disagrees with
// what the owner has in memory: the owner starts again from the store's truth.
func TestAheadStartsAgainWhenTheStoreRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf, store := newShelf(), chattest.NewMemory()
		shelf.append(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
		j := &refusing{Journal: store}
		j.on.Store(true)
		gaveUp := 0
		s := sequencer.New(j, quietBus{}, sequencer.Options{
			Now: time.Now, Logger: quiet(), Ahead: true, Metrics: sequencer.Metrics{GaveUp: func() { gaveUp++ }},
		})
		if err := s.Own(t.Context(), shelf); !errors.Is(err, errRefused) || gaveUp != 1 {
			t.Errorf("got %v, gave up %d times", err, gaveUp)
		}
		// What it had committed is gone: a backup was restored.
		j.on.Store(false)
		behind := &rolledBack{Journal: j}
		s = sequencer.New(behind, quietBus{}, sequencer.Options{Now: time.Now, Logger: quiet(), Ahead: true})
		done := make(chan error, 1)
		go func() { done <- s.Own(t.Context(), shelf) }()
		time.Sleep(time.Second)
		behind.on.Store(true)
		shelf.append(chattest.Create(chat.Group, chattest.Room(1), chattest.User(0)))
		if err := <-done; !errors.Is(err, sequencer.ErrRolledBack) {
			t.Errorf("got %v", err)
		}
	})
}

type rolledBack struct {
	chat.Journal
	on atomic.Bool
}

func (r *rolledBack) Position(ctx context.Context, p chat.PartitionID) (next, prev int64, err error) {
	if r.on.Load() {
		return 0, 0, nil
	}
	return r.Journal.Position(ctx, p)
}

type quietBus struct{ chat.Bus }

func (quietBus) Publish(context.Context, []chat.Event) error { return nil }
func (quietBus) Reply(context.Context, []chat.Outcome) error { return nil }

// later is a store that takes commits when something has happened.
type later struct {
	chat.Journal
	until func() bool
}

func (l *later) Commit(ctx context.Context, b *chat.Batch) error {
	if !l.until() {
		return chat.ErrUnavailable
	}
	return l.Journal.Commit(ctx, b)
}

// A commit of thousands of records, as after an outage, is one that the store takes.
func TestAheadLargestCommit(t *testing.T) {
	const n = 8191
	shelf, store := newShelf(), openSQL(t)
	cmds := []chat.Command{chattest.Create(chat.Group, chattest.Room(0), chattest.User(0), chattest.Users(300)[1:]...)}
	for i := range n {
		cmds = append(cmds, at(i, chattest.Send(chattest.Room(0), chattest.User(i%300), fmt.Sprintf("k%06d", i), "text")))
	}
	shelf.append(cmds...)
	var changes []int
	s := sequencer.New(&later{Journal: store, until: func() bool { return shelf.fetched() > n }}, quietBus{}, sequencer.Options{
		Now: time.Now, Logger: quiet(), Ahead: true,
		Metrics: sequencer.Metrics{Batch: func(_, n int, _, _ time.Duration) { changes = append(changes, n) }},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Own(ctx, shelf) }()
	for next := int64(0); next <= n; time.Sleep(10 * time.Millisecond) {
		next, _, _ = store.Position(ctx, shelf.ID())
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	chattest.WantLog(t, store, chattest.Room(0), n+1)
	if len(changes) == 0 || slices.Max(changes) < 4096 {
		t.Errorf("commits of %v entries", changes)
	}
}
