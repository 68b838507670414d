package push

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// town is people with browsers behind push services of which some never answer, in the
// time of the test's bubble.
type town struct {
	office
	t    *testing.T
	dead map[chat.UserID]bool // their push services never answer
	bell *Bell
	mu   sync.Mutex // guards what follows
	subs map[chat.UserID][]chat.PushSubscription
	came map[chat.UserID][]time.Time // requests that reached a push service
	done map[chat.UserID][]chat.PushResult
}

// newTown makes a bell that runs until the test ends.
func newTown(t *testing.T) *town {
	w := &town{
		t: t, dead: make(map[chat.UserID]bool), subs: make(map[chat.UserID][]chat.PushSubscription), came: make(map[chat.UserID][]time.Time),
		done: make(map[chat.UserID][]chat.PushResult),
	}
	w.view = &chat.ConversationView{Conversation: chat.Conversation{Kind: chat.Group, Members: 3}, Preferences: chat.Preferences{Notify: chat.NotifyAll}}
	raw, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := NewKeys(raw, "mailto:a@example.org")
	if err != nil {
		t.Fatal(err)
	}
	sender := NewSender(SenderOptions{Keys: keys, Now: time.Now, Private: true})
	sender.client.Transport = w
	w.bell = NewBell(BellDeps{
		Pushes: w, Views: w, People: w, Looking: w, Rang: func(context.Context, *chat.Call, []chat.UserID) error { return nil },
		Sender: sender, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.bell.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

// live gives somebody a browser.
func (w *town) live(user chat.UserID, dead bool) {
	b := newBrowser(w.t)
	sub := chat.PushSubscription{UserID: user, Endpoint: "https://push.example.org/" + user.String(), Auth: b.auth, Key: [65]byte(b.key.PublicKey().Bytes())}
	w.subs[user], w.dead[user] = append(w.subs[user], sub), dead
}

// RoundTrip is the push service.
func (w *town) RoundTrip(r *http.Request) (*http.Response, error) {
	var user chat.UserID
	if err := user.UnmarshalText([]byte(strings.TrimPrefix(r.URL.Path, "/"))); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.came[user] = append(w.came[user], time.Now())
	w.mu.Unlock()
	if w.dead[user] {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func (w *town) Subscriptions(_ context.Context, user chat.UserID) ([]chat.PushSubscription, error) {
	return w.subs[user], nil
}

func (w *town) FinishPushes(_ context.Context, results []chat.PushResult) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range results {
		user := results[i].Job.Subscription.UserID
		w.done[user] = append(w.done[user], results[i])
	}
	return nil
}

func (w *town) Online(context.Context, []chat.UserID, chat.Time) (map[chat.UserID]bool, error) {
	return nil, errors.New("nobody knows")
}

// call is the nth call, of some people.
func (w *town) call(n int, users ...chat.UserID) chat.Call {
	return chat.Call{
		ID: chat.CallID{0: 1, 14: byte(n >> 8), 15: byte(n)}, ConversationID: chattest.Room(n), CallerID: caller, State: chat.CallRinging, Version: 1,
		StartedAt: chat.TimeOf(time.Now()), Ringing: users,
	}
}

// arrivals gives how many requests for somebody came, and how long ago the last did.
func (w *town) arrivals(user chat.UserID) (n int, ago time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	came := w.came[user]
	if len(came) == 0 {
		return 0, 0
	}
	return len(came), time.Since(came[len(came)-1])
}

// However many push services hang: whose own answers is told at once, of another call as of
// the same one.
func TestADeadPushServiceDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t)
		const dead = 200
		friend, mate := chattest.User(1000), chattest.User(1001)
		w.live(friend, false)
		w.live(mate, false)
		for i := range dead {
			w.live(chattest.User(i+1), true)
		}
		for i := range dead {
			w.bell.Changed(chat.Call{}, w.call(i, chattest.User(i+1)), nil)
		}
		w.bell.Changed(chat.Call{}, w.call(dead, chattest.User(1), chattest.User(2), friend), nil)
		w.bell.Changed(chat.Call{}, w.call(dead+1, mate), nil)
		synctest.Wait() // no time has passed
		for _, user := range []chat.UserID{friend, mate} {
			if n, _ := w.arrivals(user); n != 1 {
				t.Errorf("got %d requests for %s, want one at once", n, user)
			}
		}
		if n, _ := w.arrivals(chattest.User(3)); n != 1 {
			t.Errorf("got %d requests to a push service that hangs, want one", n)
		}
	})
}

// What is told of a call takes 20 seconds at most, whatever push services do, and its failure
// is there for the owner to see.
func TestAPealEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t)
		user := chattest.User(1)
		w.live(user, true)
		w.bell.Changed(chat.Call{}, w.call(1, user), nil)
		time.Sleep(pealLimit + time.Millisecond)
		synctest.Wait()
		if n, ago := w.arrivals(user); n != 2 || ago > pealLimit-sendTimeout {
			t.Errorf("got %d requests, the last %s ago", n, ago)
		}
		if got := w.done[user]; len(got) != 1 || got[0].Verdict != chat.PushFailed || got[0].Failure == "" {
			t.Errorf("got %+v noted for the owner", got)
		}
		w.bell.mu.Lock()
		defer w.bell.mu.Unlock()
		if w.bell.under != 0 || len(w.bell.of) != 0 {
			t.Errorf("got %d jobs under way, want none", w.bell.under)
		}
	})
}

// A push service that does not answer may have what it was given: it is told that it rings no
// more as soon as it was asked, and ringing is not repeated.
func TestABellThatIsOverDoesNotRingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t)
		user := chattest.User(1)
		w.live(user, true)
		call := w.call(1, user)
		w.bell.Changed(chat.Call{}, call, nil)
		synctest.Wait()
		w.bell.Heard(next(call, func(c *chat.Call) { c.State, c.Ringing = chat.CallLive, nil }))
		time.Sleep(sendTimeout)
		synctest.Wait()
		if n, ago := w.arrivals(user); n != 2 || ago != 0 {
			t.Errorf("got %d requests, the last %s ago, want the second now", n, ago)
		}
	})
}

// One person has a bounded number of places.
func TestOnePersonDoesNotTakeAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t)
		user := chattest.User(1)
		w.live(user, true)
		for i := range maxTellingOf + 3 {
			w.bell.Changed(chat.Call{}, w.call(i, user), nil)
		}
		synctest.Wait()
		if n, _ := w.arrivals(user); n != maxTellingOf || w.bell.Dropped() != 3 {
			t.Errorf("got %d requests and %d dropped, want %d and 3", n, w.bell.Dropped(), maxTellingOf)
		}
	})
}
