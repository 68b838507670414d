package call

import (
	"slices"
	"sync"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// tower is the bell of a node: what it was told that the node changed.
type tower struct {
	mu   sync.Mutex // guards what follows
	last chat.Call
	rang []chat.UserID
}

func (b *tower) Changed(_, after chat.Call, rang []chat.UserID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.rang = after, slices.Clone(rang)
}

func (b *tower) Heard(chat.Call) {}

// However many calls somebody is in, the board is asked once for them, and once for what they are.
func TestAListTakesOneRead(t *testing.T) {
	w := newWorld(t, 2)
	for i := range 20 {
		a := begin(ann, bob)
		a.Conversation, a.CallID = chattest.Room(i), chat.CallID{1, 15: byte(i)}
		if _, err := w.nodes[0].do(a); err != nil {
			t.Fatal(err)
		}
	}
	before := w.board.reads
	calls, err := w.nodes[1].c.List(t.Context(), bob)
	if got := w.board.reads - before; err != nil || len(calls) != 20 || got != 1 {
		t.Errorf("got %d calls, %v, by %d reads, want 20 by one", len(calls), err, got)
	}
}

// The node on which a call began has closed browsers ring, and stops: whichever node changes
// the call then knows whose, though the board forgets.
func TestEveryNodeKnowsWhoseBrowsersRing(t *testing.T) {
	for name, forgets := range map[string]bool{"the board knows": false, "the board forgot": true} {
		w := newWorld(t, 2)
		bell := &tower{}
		w.nodes[1].c.d.Bell = bell
		call, err := w.nodes[0].do(begin(ann, bob, eve))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // again is the same
			if err := w.nodes[0].c.Rang(t.Context(), &call, []chat.UserID{bob, eve}); err != nil {
				t.Fatal(err)
			}
		}
		if w.tick(); forgets {
			w.pass(1_000)
			w.tick() // the other node looks
			w.flush()
		}
		w.nodes = w.nodes[1:]
		now, err := w.nodes[0].do(act(Answer, bob, 2))
		if err != nil {
			t.Fatal(err)
		}
		if bell.last.Version != now.Version || !slices.Equal(bell.rang, []chat.UserID{bob, eve}) {
			t.Errorf("%s: got %v of %+v", name, bell.rang, bell.last)
		}
	}
	// Of another call nothing is noted.
	w := newWorld(t, 1)
	call, err := w.nodes[0].do(begin(ann, bob))
	if err != nil {
		t.Fatal(err)
	}
	call.ID = chat.CallID{15: 9}
	if err := w.nodes[0].c.Rang(t.Context(), &call, []chat.UserID{bob}); err == nil {
		t.Error("noted for a call that there is not")
	}
}
