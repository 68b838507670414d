package gateway_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/wire"
)

// While the store cannot be reached, whoever was here comes back: nothing of what the
// node knows of them is let go. They count as gone all the same.
func TestPeopleComeBackWhileTheStoreIsAway(t *testing.T) {
	var away atomic.Bool
	n := newNode(t, func(o *gateway.Options) { o.Away = away.Load })
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	first, b := n.connect(alice), n.connect(bob)
	first.send(room, "1", "x")
	b.upTo(room, 2)
	cursor := n.service.SyncCursor()

	away.Store(true)
	n.views.fail.Store(true)
	n.faults.fail.Store(true)
	if err := first.client.Drop(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "alice to count as gone", func() bool { return len(n.gateway.Users()) == 1 })
	n.now.move(10 * time.Second) // long past every grace
	again, err := n.tryConnect(map[string]string{"token": alice.token, "cursor": cursor})
	if err != nil {
		t.Fatalf("got %v, want alice back", err)
	}
	var ready wire.Ready
	if err := json.Unmarshal(again.next(wire.EventReady).data, &ready); err != nil {
		t.Fatal(err)
	}
	if ready.Cursor != cursor || len(ready.HeadsChanged) != 0 || ready.User.ID != alice.id {
		t.Errorf("got %+v, want alice with the cursor she gave", ready)
	}
	again.next(wire.EventResync) // for what ready could not say
	if got := len(n.gateway.Users()); got != 2 {
		t.Errorf("got %d people here, want 2", got)
	}
	b.send(room, "2", "y")
	again.upTo(room, 3)
	if _, err := n.tryConnect(map[string]string{"token": n.person().token, "cursor": cursor}); err == nil {
		t.Error("got somebody in whose conversations nobody could read")
	}

	away.Store(false)
	n.views.fail.Store(false)
	n.faults.fail.Store(false)
	if err := again.client.Drop(); err != nil {
		t.Fatal(err)
	}
	before := n.views.memberships.Load()
	waitFor(t, "alice to be let go", func() bool { return len(n.gateway.Users()) == 1 })
	n.connect(alice)
	if got := n.views.memberships.Load(); got != before+1 {
		t.Errorf("got memberships read %d times, want once more than %d", got, before)
	}
	if head := n.head(room); head != chat.Seq(3) {
		t.Errorf("got head %d, want 3", head)
	}
}

func waitFor(t testing.TB, what string, check func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !check(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}
