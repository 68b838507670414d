package gateway_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// A person is looking as long as any of their sockets says so, and no longer than it lives.
func TestAttention(t *testing.T) {
	n := newNode(t)
	alice := n.person()
	expect := func(why string, want bool) {
		t.Helper()
		waitFor(t, why, func() bool {
			got, err := n.looks.Online(t.Context(), []chat.UserID{alice.id}, chat.TimeOf(n.now.now()))
			return err == nil && got[alice.id] == want
		})
		if on := len(n.gateway.Looking()) == 1; on != want {
			t.Errorf("%s: got %v, want %v", why, on, want)
		}
	}
	a, b := n.connect(alice), n.connect(alice)
	expect("nobody has said so", false)
	a.must(wire.EventAttention, wire.Attention{On: true})
	expect("one client is looked at", true)
	b.must(wire.EventAttention, wire.Attention{On: true})
	b.must(wire.EventAttention, wire.Attention{On: true})
	a.must(wire.EventAttention, wire.Attention{On: false})
	expect("the other one still is", true)
	b.must(wire.EventAttention, wire.Attention{On: false})
	b.must(wire.EventAttention, wire.Attention{On: false})
	expect("none is, though both have a line", false)
	a.must(wire.EventAttention, wire.Attention{On: true})
	expect("one is again", true)
	if err := a.client.Drop(); err != nil {
		t.Fatal(err)
	}
	expect("its socket has ended, the other one is open", false)
}
