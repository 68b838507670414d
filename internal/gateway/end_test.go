package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio/client"
)

func TestRevokedSessionEndsItsSocketsWithinTwoSeconds(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.SessionCheck = time.Hour }) // found at once, or never
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a := n.connect(alice)
	kept := n.connect(bob)
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				a.send(room, fmt.Sprint(i), "x")
			}
		}
	})
	// A machine that stands still for a moment shows nothing; what is too slow is so each time.
	took := patience
	for i := 0; i < 5 && took > 2*time.Second; i++ {
		took = n.revoke(bob, 500+i)
		t.Logf("took %s", took)
	}
	if took > 2*time.Second {
		t.Errorf("took %s at best, want at most 2 s", took)
	}
	close(stop)
	busy.Wait()
	a.send(room, "end", "x")
	kept.upTo(room, n.head(room))
	if got := kept.count(wire.EventSessionRevoked); got != 0 {
		t.Error("another session was ended too")
	}
	if err := n.service.RevokeAll(t.Context(), bob.id, chat.SessionID{}); err != nil {
		t.Fatal(err)
	}
	kept.wait("the end", func() bool { return kept.over })
}

// revoke connects with a further session of a person, ends that while entries come,
// and gives how long its socket stayed.
func (n *node) revoke(p *person, seed int) time.Duration {
	n.t.Helper()
	old := *p
	n.logIn(&old, seed)
	doomed := n.connect(&old)
	doomed.wait("an entry", func() bool {
		return slices.ContainsFunc(doomed.events, func(e received) bool { return e.name == wire.EventEntry })
	})
	start := time.Now()
	if err := n.service.Revoke(n.t.Context(), p.id, old.session); err != nil {
		n.t.Fatal(err)
	}
	doomed.wait("the end", func() bool { return doomed.over })
	took := time.Since(start)
	doomed.mu.Lock()
	if last := doomed.events[len(doomed.events)-1]; last.name != wire.EventSessionRevoked {
		n.t.Errorf("got %s %s last, want session.revoked", last.name, last.data)
	}
	doomed.mu.Unlock()
	if _, err := n.tryConnect(map[string]string{"token": old.token}); err == nil {
		n.t.Error("the revoked token was accepted")
	}
	return took
}

func TestLostRevocationAndExpiryAreFound(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.SessionCheck = 200 * time.Millisecond })
	alice, bob, carol := n.person(), n.person(), n.person()
	a, b, c := n.connect(alice), n.connect(bob), n.connect(carol)
	lose := func(e *chat.Event) bool { return e.Kind == chat.EventSession }
	n.bus.lose.Store(&lose)
	if err := n.service.Revoke(t.Context(), alice.id, alice.session); err != nil {
		t.Fatal(err)
	}
	if err := n.service.Disable(t.Context(), bob.id, true); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*device{a, b} {
		d.wait("the end", func() bool { return d.over })
		d.next(wire.EventSessionRevoked)
	}
	c.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: n.direct(carol, carol)})
	n.now.move(100 * 24 * time.Hour)
	c.wait("the end", func() bool { return c.over })
	c.next(wire.EventSessionRevoked)
}

func TestExpiredSessionIsNotServed(t *testing.T) {
	n := newNode(t) // its rounds of checks are 30 s apart
	alice := n.person()
	room := n.direct(alice, alice)
	a := n.connect(alice)
	n.now.move(100 * 24 * time.Hour)
	m, err := a.client.Call(t.Context(), wire.EventMessageSend, wire.MessageSend{ConversationID: room, ClientID: "1", Text: "late"})
	if err == nil && !strings.Contains(string(m.Args[0]), string(chat.CodeUnauthenticated)) {
		t.Errorf("got %s, want unauthenticated", m.Args[0])
	}
	a.wait("the end", func() bool { return a.over })
	if got := n.head(room); got != 1 {
		t.Errorf("got head %d, want nothing written", got)
	}
}

func TestDrainTellsEverybodyAndFinishesAcks(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.ReconnectSpread = time.Second })
	people := n.people(5)
	room := n.group(chat.Group, 1, people[0], people[1:]...)
	var devices []*device
	for _, p := range people {
		devices = append(devices, n.connect(p))
	}
	var answered sync.WaitGroup
	acked := make([]bool, 200)
	for i := range acked {
		answered.Add(1)
		err := devices[0].client.EmitAck(wire.EventMessageSend, func(m client.Message, err error) {
			defer answered.Done()
			acked[i] = err == nil && strings.Contains(string(m.Args[0]), `"ok":true`)
		}, wire.MessageSend{ConversationID: room, ClientID: fmt.Sprint(i), Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
	}
	devices[0].upTo(room, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if left := n.gateway.Drain(ctx); left != 0 {
		t.Errorf("got %d commands without an answer", left)
	}
	_, err := n.tryConnect(map[string]string{"token": people[0].token})
	var refused *client.ConnectError
	var data wire.Error
	if !errors.As(err, &refused) || json.Unmarshal(refused.Data, &data) != nil || data.Code != chat.CodeUnavailable || data.RetryAfterMS <= 0 {
		t.Errorf("got %v, want unavailable with a pause", err)
	}
	if err := n.sockets.Shutdown(ctx, "restart"); err != nil {
		t.Errorf("shut down: %v", err)
	}
	answered.Wait()
	inLog := map[string]bool{}
	for _, e := range chattest.ReadLog(t, n.store, room) {
		inLog[e.ClientID] = true
	}
	for i, ok := range acked {
		if ok && !inLog[fmt.Sprint(i)] {
			t.Errorf("message %d was acknowledged and is not there", i)
		}
	}
	spread := map[int]bool{}
	for i, d := range devices {
		var r wire.Reconnect
		d.next(wire.EventReconnect).into(t, &r)
		spread[r.AfterMS] = true
		if r.AfterMS < 0 || r.AfterMS >= 1000 {
			t.Errorf("device %d: got after_ms %d", i, r.AfterMS)
		}
		d.wait("the close", func() bool { return d.over })
		var closed *client.CloseError
		if !errors.As(d.closed, &closed) || closed.Code != 1012 {
			t.Errorf("device %d: got %v, want 1012", i, d.closed)
		}
	}
	if len(spread) < 3 {
		t.Errorf("got pauses %v, want them spread", spread)
	}
}
