package call

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// Any node says who is in a call: not who is only called, nor who has left, and nothing
// while the board is away.
func TestWhoIsInACall(t *testing.T) {
	w := newWorld(t, 2)
	a := begin(ann, bob)
	expect := func(when string, want map[chat.UserID]bool) {
		t.Helper()
		for i, n := range w.nodes {
			for user, in := range want {
				if got, err := n.c.InCall(t.Context(), user); err != nil || got != in {
					t.Errorf("%s, node %d: got %v, %v for %s, want %v", when, i, got, err, user, in)
				}
			}
		}
	}
	expect("before", map[chat.UserID]bool{ann: false, bob: false})
	if _, err := w.nodes[0].do(a); err != nil {
		t.Fatal(err)
	}
	expect("while it rings", map[chat.UserID]bool{ann: true, bob: false})
	b := a
	b.Verb, b.UserID, b.DeviceID = Answer, bob, device(3)
	if _, err := w.nodes[1].do(b); err != nil {
		t.Fatal(err)
	}
	expect("while they talk", map[chat.UserID]bool{ann: true, bob: true})
	w.fault = func(string) bool { return true }
	if got, err := w.nodes[0].c.InCall(t.Context(), ann); err == nil {
		t.Errorf("without the board: got %v, want an error", got)
	}
	w.fault = func(string) bool { return false }
	a.Verb = End
	if _, err := w.nodes[0].do(a); err != nil {
		t.Fatal(err)
	}
	expect("after it", map[chat.UserID]bool{ann: false, bob: false})
}
