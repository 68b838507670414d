package worker

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/inproc"
)

var quiet = slog.New(slog.DiscardHandler)

func room(n byte) chat.ConversationID { return chat.ConversationID{15: n} }
func user(n byte) chat.UserID         { return chat.UserID{15: n} }

// receiptStore keeps receipts as the real one does, and counts its calls.
type receiptStore struct {
	mu      sync.Mutex
	calls   [][]chat.Receipt
	now     map[receiptKey]chat.Receipt
	members int
	err     error
	head    chat.Seq // receipts get no further; zero: any
	unknown bool     // user 98 is not a member yet
}

func (s *receiptStore) Advance(_ context.Context, _ chat.Time, receipts []chat.Receipt) ([]chat.Advanced, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, slices.Clone(receipts))
	if s.err != nil {
		return nil, s.err
	}
	var out []chat.Advanced
	for _, r := range receipts {
		if r.UserID == user(99) || s.unknown && r.UserID == user(98) {
			continue // not a member
		}
		key := receiptKey{r.ConversationID, r.UserID}
		old := s.now[key]
		next := r
		if s.head > 0 {
			r.DeliveredSeq, r.ReadSeq = min(r.DeliveredSeq, s.head), min(r.ReadSeq, s.head)
		}
		next.DeliveredSeq, next.ReadSeq = max(old.DeliveredSeq, r.DeliveredSeq), max(old.ReadSeq, r.ReadSeq)
		s.now[key] = next
		out = append(out, chat.Advanced{Receipt: next, Moved: next != old, Members: s.members})
	}
	return out, nil
}

// ear keeps what was published.
type ear struct {
	chat.Bus
	mu     sync.Mutex
	events []chat.Event
}

func (e *ear) Publish(_ context.Context, events []chat.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, events...)
	return nil
}

func (e *ear) take() []chat.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.events
	e.events = nil
	return out
}

func newReceiptStore() *receiptStore {
	return &receiptStore{now: map[receiptKey]chat.Receipt{}, members: 2}
}

func TestReceiptsAreWrittenAtOnceAndThenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, bus := newReceiptStore(), &ear{}
		r := NewReceipts(store, bus, time.Now, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		var got []chat.Receipt
		note := func(n chat.Receipt) {
			r.Note(n, func(now chat.Receipt, err error) {
				if err != nil {
					t.Errorf("%+v: %v", n, err)
				}
				got = append(got, now)
			})
		}
		note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 1})
		synctest.Wait()
		if len(got) != 1 || len(store.calls) != 1 {
			t.Fatalf("got %d answers and %d writes, want the first at once", len(got), len(store.calls))
		}
		for seq := chat.Seq(2); seq <= 10; seq++ {
			note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: seq})
			note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: seq, ReadSeq: seq - 1})
			note(chat.Receipt{ConversationID: room(2), UserID: user(2), DeliveredSeq: 12 - seq})
		}
		synctest.Wait()
		if len(store.calls) != 1 || r.Waiting() != 27 {
			t.Fatalf("got %d writes with %d waiting, want the others to wait", len(store.calls), r.Waiting())
		}
		time.Sleep(ReceiptPause)
		synctest.Wait()
		if len(got) != 28 || len(store.calls) != 2 || len(store.calls[1]) != 2 {
			t.Fatalf("got %d answers and the writes %v, want one write of two", len(got), store.calls)
		}
		for _, now := range got[1:] {
			want := chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 10, ReadSeq: 9}
			if now.UserID == user(2) {
				want = chat.Receipt{ConversationID: room(2), UserID: user(2), DeliveredSeq: 10}
			}
			if now != want {
				t.Errorf("got %+v, want %+v", now, want)
			}
		}
		time.Sleep(time.Second)
		note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 11})
		synctest.Wait()
		if len(store.calls) != 3 {
			t.Errorf("got %d writes, want one at once after a silence", len(store.calls))
		}
		note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 12})
		cancel()
		synctest.Wait()
		if len(store.calls) != 4 || r.Waiting() != 0 {
			t.Errorf("got %d writes and %d waiting, want what was left written at the end", len(store.calls), r.Waiting())
		}
		r.Note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 13}, func(_ chat.Receipt, err error) {
			if !errors.Is(err, chat.ErrUnavailable) {
				t.Errorf("got %v after the end", err)
			}
		})
	})
}

func TestReceiptsTellWhoIsConcerned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, bus := newReceiptStore(), &ear{}
		r := NewReceipts(store, bus, time.Now, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = r.Run(ctx) }() // always nil
		note := func(n chat.Receipt, want error) {
			t.Helper()
			called := 0
			r.Note(n, func(_ chat.Receipt, err error) {
				called++
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			})
			time.Sleep(time.Second)
			synctest.Wait()
			if called != 1 {
				t.Errorf("answered %d times", called)
			}
		}
		kinds := func() (out []chat.EventKind) {
			for _, e := range bus.take() {
				out = append(out, e.Kind)
				var r chat.Receipt
				if err := json.Unmarshal(e.Data, &r); err != nil || e.From != r.UserID {
					t.Errorf("got %s of %s: %v", e.Data, e.From, err)
				}
			}
			return out
		}
		note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 5}, nil)
		if got := kinds(); !slices.Equal(got, []chat.EventKind{chat.EventRead, chat.EventReceipt}) {
			t.Errorf("got %v", got)
		}
		note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 4}, nil)
		if got := kinds(); got != nil {
			t.Errorf("got %v for what did not move", got)
		}
		store.members = chat.MaxReceiptMembers + 1
		note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 6}, nil)
		if got := kinds(); !slices.Equal(got, []chat.EventKind{chat.EventRead}) {
			t.Errorf("got %v in a large conversation", got)
		}
		note(chat.Receipt{ConversationID: room(1), UserID: user(99), DeliveredSeq: 6}, chat.ErrNotFound)
		store.err = errors.New("the disk is gone")
		note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 7}, chat.ErrUnavailable)
		cancel()
		synctest.Wait()
	})
}

func TestReceiptsAreBounded(t *testing.T) {
	r := NewReceipts(newReceiptStore(), &ear{}, time.Now, quiet)
	for range maxReceipts {
		r.Note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 1}, func(chat.Receipt, error) {})
	}
	refused := false
	r.Note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 1}, func(_ chat.Receipt, err error) {
		refused = errors.Is(err, chat.ErrOverloaded)
	})
	if !refused {
		t.Errorf("got no refusal with %d waiting", r.Waiting())
	}
}

// seenStore notes who was seen.
type seenStore struct {
	mu   sync.Mutex
	seen map[chat.UserID]chat.Time
}

func (s *seenStore) TouchSeen(_ context.Context, seen map[chat.UserID]chat.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for u, at := range seen {
		s.seen[u] = at
	}
	return nil
}

// leaving is leases that look, when one is ended, whether it was noted who left.
type leaving struct {
	chat.Presence
	seen *seenStore
	late []chat.UserID // those whose lease ended before their time was noted
}

func (l *leaving) Leave(ctx context.Context, node string, users []chat.UserID, now chat.Time) ([]chat.UserID, error) {
	for _, u := range users {
		if l.seen.seen[u] != now {
			l.late = append(l.late, u)
		}
	}
	return l.Presence.Leave(ctx, node, users, now)
}

// TestWhoIsGoneHasATime: between the end of a lease and the note of the time, a node
// that compares presence would have told its watchers of somebody never seen.
func TestWhoIsGoneHasATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &seenStore{seen: map[chat.UserID]chat.Time{}}
		leases := &leaving{Presence: inproc.NewPresence(), seen: seen}
		p := NewPresence(PresenceDeps{
			Leases: leases, Seen: seen, Bus: &ear{}, Node: "n1", Now: time.Now, Logger: quiet,
			Local: func() []chat.UserID { return nil },
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = p.Run(ctx) }() // always nil
		p.Came(user(1))
		synctest.Wait()
		p.Left(user(1))
		synctest.Wait()
		cancel()
		synctest.Wait()
		if seen.seen[user(1)] == 0 || len(leases.late) > 0 {
			t.Errorf("got seen %v, and %v gone before it was noted", seen.seen, leases.late)
		}
	})
}

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases, bus, seen := inproc.NewPresence(), &ear{}, &seenStore{seen: map[chat.UserID]chat.Time{}}
		var local atomic.Pointer[[]chat.UserID]
		here := func(users ...chat.UserID) { local.Store(&users) }
		here()
		p := NewPresence(PresenceDeps{
			Leases: leases, Seen: seen, Bus: bus, Node: "n1", Now: time.Now, Logger: quiet,
			Local: func() []chat.UserID { return *local.Load() },
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = p.Run(ctx) }() // always nil
		online := func(u chat.UserID) bool {
			got, err := leases.Online(t.Context(), []chat.UserID{u}, chat.TimeOf(time.Now()))
			if err != nil {
				t.Fatal(err)
			}
			return got[u]
		}
		told := func() (out []bool) {
			for _, e := range bus.take() {
				var data struct{ Online bool }
				if err := json.Unmarshal(e.Data, &data); err != nil {
					t.Error(err)
				}
				out = append(out, data.Online)
			}
			return out
		}
		p.Came(user(1))
		here(user(1))
		synctest.Wait()
		if got := told(); !slices.Equal(got, []bool{true}) || !online(user(1)) {
			t.Errorf("got %v, online %v", got, online(user(1)))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := told(); got != nil || !online(user(1)) {
			t.Errorf("got %v, online %v, want the lease renewed and nothing told", got, online(user(1)))
		}
		if at := seen.seen[user(1)]; at == 0 {
			t.Error("somebody who stays is never noted as seen")
		}
		// Somebody who is on another node too stays online when this one loses them.
		if _, err := leases.Renew(t.Context(), "n2", []chat.UserID{user(1)}, chat.TimeOf(time.Now())); err != nil {
			t.Fatal(err)
		}
		p.Left(user(1))
		here()
		synctest.Wait()
		if got := told(); got != nil || !online(user(1)) {
			t.Errorf("got %v, online %v", got, online(user(1)))
		}
		p.Came(user(2))
		p.Left(user(2))
		p.Came(user(2))
		here(user(2))
		synctest.Wait()
		if got := told(); !slices.Equal(got, []bool{true}) {
			t.Errorf("got %v for somebody who flickers", got)
		}
		cancel()
		synctest.Wait()
		if got := told(); !slices.Equal(got, []bool{false}) || online(user(2)) {
			t.Errorf("got %v, online %v, want a good-bye at the end", got, online(user(2)))
		}
		if at := seen.seen[user(2)]; at != chat.TimeOf(time.Now()) {
			t.Errorf("got seen at %v", at)
		}
	})
}

func TestPeriodic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		p := Periodic{Name: "test", Every: time.Minute, Logger: quiet, Do: func(context.Context) error {
			runs++
			return errors.New("goes on all the same")
		}}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = p.Run(ctx) }() // always nil
		time.Sleep(10*time.Minute + time.Second)
		cancel()
		synctest.Wait()
		time.Sleep(time.Hour)
		if runs != 10 {
			t.Errorf("ran %d times in ten minutes, want 10", runs)
		}
	})
}

type toldSeq struct{ last, looks atomic.Int64 }

func (s *toldSeq) Last(chat.ConversationID) chat.Seq { return chat.Seq(s.last.Load()) }

func (s *toldSeq) Look(context.Context, ...chat.ConversationID) error {
	s.looks.Add(1)
	return nil
}

// A receipt for an entry that was told and is not in the store yet waits for it; one
// that is beyond everything that was told does not.
func TestReceiptsWaitForAStoreThatLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newReceiptStore()
		store.head = 3
		told := &toldSeq{}
		told.last.Store(5)
		r := NewReceipts(store, &ear{}, time.Now, quiet)
		r.Expect(told)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		got := make(map[chat.Seq]chat.Receipt)
		note := func(seq chat.Seq) {
			r.Note(chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: seq, ReadSeq: seq - 1}, func(now chat.Receipt, err error) {
				if err != nil {
					t.Errorf("%d: %v", seq, err)
				}
				got[seq] = now
			})
		}
		note(3)
		synctest.Wait()
		note(5)
		note(90)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(got) != 1 || r.Waiting() != 2 {
			t.Errorf("answered %v, %d wait", got, r.Waiting())
		}
		store.mu.Lock()
		store.head = 5
		store.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		want := chat.Receipt{ConversationID: room(1), UserID: user(1), DeliveredSeq: 5, ReadSeq: 5}
		if got[5] != want || got[90] != want || r.Waiting() != 0 {
			t.Errorf("answered %v, %d wait; want %+v", got, r.Waiting(), want)
		}
		// Who was made a member just now is not known yet, and then is, or is not.
		for _, stranger := range []chat.UserID{user(99), user(98)} {
			told.last.Store(6)
			var err error
			asked := told.looks.Load()
			r.Note(chat.Receipt{ConversationID: room(1), UserID: stranger, DeliveredSeq: 6}, func(_ chat.Receipt, e error) { err = e })
			store.mu.Lock()
			store.unknown = stranger == user(98)
			store.mu.Unlock()
			time.Sleep(time.Second)
			synctest.Wait()
			if err != nil || r.Waiting() != 1 || told.looks.Load() == asked {
				t.Errorf("answered %v while the store is behind", err)
			}
			told.last.Store(0)
			store.mu.Lock()
			store.unknown, store.head = false, 6
			store.mu.Unlock()
			time.Sleep(time.Second)
			synctest.Wait()
			if r.Waiting() != 0 || errors.Is(err, chat.ErrNotFound) != (stranger == user(99)) {
				t.Errorf("%v: answered %v when the store had it", stranger, err)
			}
		}
		told.last.Store(9) // and the node ends before the store has it
		note(9)
		cancel()
		if err := <-ended; err != nil || len(got) != 4 {
			t.Errorf("at the end: answered %v, %v", got, err)
		}
	})
}
