package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/inproc"
)

// heldLog takes records and keeps them, or fails.
type heldLog struct {
	chat.Log
	mu      sync.Mutex
	records []*chat.Record
	err     error
}

func (l *heldLog) Append(_ context.Context, r *chat.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.records = append(l.records, r)
	return nil
}

func held(t *testing.T, log *heldLog, change ...func(*Deps)) *house {
	return newHouse(t, append([]func(*Deps){func(d *Deps) { log.Log, d.Log = d.Log, log }}, change...)...)
}

// outcomes collects what done was called with.
type outcomes struct {
	mu  sync.Mutex
	got []chat.Outcome
}

func (o *outcomes) done(out chat.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, out)
}

func send(user chat.UserID, n int) *chat.Command {
	return &chat.Command{Kind: chat.CmdSend, ActorID: user, ConversationID: chat.ConversationID{1}, ClientID: fmt.Sprint("k", n), Text: "t"}
}

func TestOutcomeComesOnce(t *testing.T) {
	log := &heldLog{}
	h := held(t, log)
	user := h.account("ann")
	var got outcomes
	h.Submit(t.Context(), send(user, 1), got.done)
	if len(got.got) != 0 || h.Pending() != 1 {
		t.Fatalf("got %v and %d pending, want one that waits", got.got, h.Pending())
	}
	r := log.records[0]
	if r.Node != "test" || r.Rules != chat.RulesVersion || r.ID.IsZero() || r.Command.At == 0 {
		t.Errorf("got %+v, want it stamped", r)
	}
	entry := &chat.Entry{Seq: 2}
	out := chat.Outcome{RecordID: r.ID, Node: "test", Entry: entry}
	h.Outcomes([]chat.Outcome{{RecordID: chat.RecordID{9}}, out, out}) // one of nobody, and ours twice
	if len(got.got) != 1 || got.got[0].Entry != entry || h.Pending() != 0 {
		t.Errorf("got %v and %d pending, want the outcome once", got.got, h.Pending())
	}
	if n := h.ExpirePending(time.Now().Add(time.Hour)); n != 0 {
		t.Errorf("got %d expired, want none", n)
	}
}

func TestOutcomeThatDoesNotComeIsUnknown(t *testing.T) {
	log := &heldLog{}
	h := held(t, log)
	user := h.account("ann")
	var got outcomes
	before := h.Clock()
	h.Submit(t.Context(), send(user, 1), got.done)
	after := h.Clock()
	if n := h.ExpirePending(before.Add(2 * time.Second)); n != 0 {
		t.Errorf("got %d expired after 2 s, want it to wait 2.5 s", n)
	}
	if n := h.ExpirePending(after.Add(3 * time.Second)); n != 1 || len(got.got) != 1 || !errors.Is(got.got[0].Err, chat.ErrUnavailable) {
		t.Errorf("got %d expired and %v, want it reported as unavailable", n, got.got)
	}
	h.Outcomes([]chat.Outcome{{RecordID: log.records[0].ID, Entry: &chat.Entry{}}}) // late
	if len(got.got) != 1 {
		t.Errorf("got %v, want no second call", got.got)
	}
}

func TestAppendErrors(t *testing.T) {
	for want, err := range map[*chat.Error]error{
		chat.ErrOverloaded:  fmt.Errorf("append: %w", chat.ErrOverloaded),
		chat.ErrUnavailable: errors.New("connection reset"), // it may be in the log
	} {
		h := held(t, &heldLog{err: err})
		var got outcomes
		h.Submit(t.Context(), send(h.account("ann"), 1), got.done)
		if len(got.got) != 1 || !errors.Is(got.got[0].Err, want) || h.Pending() != 0 {
			t.Errorf("%v: got %v and %d pending, want %s", err, got.got, h.Pending(), want.Code)
		}
	}
}

func TestPendingIsBounded(t *testing.T) {
	log := &heldLog{}
	h := held(t, log, func(d *Deps) { d.Limits.Pending = 3 })
	user := h.account("ann")
	var got outcomes
	for i := range 5 {
		h.Submit(t.Context(), send(user, i), got.done)
	}
	if len(log.records) != 3 || len(got.got) != 2 || !errors.Is(got.got[0].Err, chat.ErrOverloaded) {
		t.Errorf("got %d records and %v, want 3 taken and 2 refused by name", len(log.records), got.got)
	}
	h.Outcomes([]chat.Outcome{{RecordID: log.records[0].ID}})
	h.Submit(t.Context(), send(user, 9), got.done)
	if len(log.records) != 4 {
		t.Errorf("got %d records, want room after an outcome", len(log.records))
	}
}

func TestInvalidCommandsNeverReachTheLog(t *testing.T) {
	log := &heldLog{}
	h := held(t, log)
	user := h.account("ann")
	var got outcomes
	for _, cmd := range []*chat.Command{{}, {Kind: chat.CmdSend, ActorID: user}, {Kind: chat.CmdEdit, ActorID: user, ConversationID: chat.ConversationID{1}}} {
		h.Submit(t.Context(), cmd, got.done)
	}
	if len(log.records) != 0 || len(got.got) != 3 || got.got[1].Err == nil {
		t.Errorf("got %d records and %v", len(log.records), got.got)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	h := held(t, &heldLog{})
	user := h.account("ann")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.Await(ctx, func(done func(chat.Outcome)) {
		h.Submit(ctx, send(user, 1), done)
		cancel()
	})
	if !errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("got %v, want unavailable: the outcome is not known", err)
	}
	h.ExpirePending(h.Clock().Add(time.Hour)) // done has room for it
}

// Whatever races, each command gets one outcome.
func TestExactlyOneOutcomeUnderRaces(t *testing.T) {
	log := &heldLog{}
	h := held(t, log)
	user := h.account("ann")
	const each, senders = 200, 8
	var calls [each * senders]atomic.Int32
	var all sync.WaitGroup
	stop := make(chan struct{})
	var expiring sync.WaitGroup
	expiring.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				h.ExpirePending(h.Clock().Add(time.Hour))
			}
		}
	})
	for s := range senders {
		all.Go(func() {
			for i := range each {
				n := s*each + i
				h.Submit(t.Context(), send(user, n), func(chat.Outcome) { calls[n].Add(1) })
				log.mu.Lock()
				last := log.records[len(log.records)-1].ID
				log.mu.Unlock()
				h.Outcomes([]chat.Outcome{{RecordID: last}})
			}
		})
	}
	all.Wait()
	close(stop)
	expiring.Wait()
	h.ExpirePending(h.Clock().Add(time.Hour))
	for n := range calls {
		if got := calls[n].Load(); got != 1 {
			t.Fatalf("command %d: got %d outcomes, want 1", n, got)
		}
	}
	if h.Pending() != 0 {
		t.Errorf("got %d pending, want none", h.Pending())
	}
}

func TestSendsAreLimited(t *testing.T) {
	log := &heldLog{}
	h := held(t, log, func(d *Deps) {
		d.Limits.SendsPerSecond, d.Limits.SendBurst = 20, 60
		still := time.Now() // the burst alone counts, however slow the machine is
		d.Limiter = inproc.NewLimiter(func() time.Time { return still }, 100)
	})
	ann, bob := h.account("ann"), h.account("bob")
	var got outcomes
	for i := range 100 {
		h.Send(t.Context(), SendRequest{UserID: ann, ConversationID: chat.ConversationID{1}, ClientID: fmt.Sprint(i), Text: "x"}, got.done)
	}
	h.Send(t.Context(), SendRequest{UserID: bob, ConversationID: chat.ConversationID{1}, ClientID: "b", Text: "x"}, got.done)
	if n := len(log.records); n != 61 {
		t.Errorf("got %d sent, want the burst of 60 and one of somebody else", n)
	}
	for _, o := range got.got {
		if !errors.Is(o.Err, chat.ErrRateLimited) || o.Err.RetryAfter <= 0 {
			t.Fatalf("got %v, want rate_limited with the time to wait", o.Err)
		}
	}
}
