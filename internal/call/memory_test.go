package call

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// Of many calls in many conversations no node remembers anything in the end.
func TestNothingIsLeftOfManyCalls(t *testing.T) {
	const calls = 100
	w := newWorld(t, 2)
	for i := range calls {
		a := begin(ann, bob)
		a.Conversation, a.CallID = chattest.Room(i), chat.CallID{1, 14: byte(i >> 8), 15: byte(i)}
		for _, verb := range []Verb{Start, Answer, End} {
			n := w.nodes[0]
			if a.Verb = verb; verb == Answer {
				n, a.UserID, a.DeviceID = w.nodes[1], bob, device(3)
			}
			if verb == End && i%2 == 0 {
				continue // both vanish
			}
			if _, err := n.do(a); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range w.nodes {
			n.c.Release(a.Conversation, a.CallID, device(1))
			n.c.Release(a.Conversation, a.CallID, device(3))
		}
	}
	for range 20 {
		w.pass(10_000)
		w.tick()
	}
	for i, n := range w.nodes {
		if got := n.c.Stats(); got.Known != 0 || got.Bound != 0 || got.Owed != 0 {
			t.Errorf("node %d: got %+v, want nothing left", i, got)
		}
	}
	if len(w.logged) != calls {
		t.Errorf("%d calls are in the log, want %d", len(w.logged), calls)
	}
}
