package gateway_test

import (
	"fmt"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/wire"
)

func (n *node) direct(a, b *person) chat.ConversationID {
	n.t.Helper()
	cmd := chattest.CreateDirect(a.id, b.id)
	n.do(cmd)
	return cmd.ConversationID
}

func (n *node) group(kind chat.ConversationKind, number int, owner *person, others ...*person) chat.ConversationID {
	n.t.Helper()
	var ids []chat.UserID
	for _, p := range others {
		ids = append(ids, p.id)
	}
	cmd := chattest.Create(kind, chattest.Room(number), owner.id, ids...)
	n.do(cmd)
	return cmd.ConversationID
}

func TestTwoPeopleChat(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a, b := n.connect(alice), n.connect(bob)
	for i := range 10 {
		from := a
		if i%2 == 1 {
			from = b
		}
		sent := from.send(room, fmt.Sprint(i), fmt.Sprint("hello ", i))
		if sent.Seq != chat.Seq(i+2) {
			t.Fatalf("got seq %d, want %d", sent.Seq, i+2)
		}
	}
	for name, d := range map[string]*device{"alice": a, "bob": b} {
		got := d.upTo(room, 11)
		if len(got) != 10 {
			t.Errorf("%s: got %d entries, want 10", name, len(got))
		}
		for i, e := range got {
			if e.Seq != chat.Seq(i+2) || e.Text != fmt.Sprint("hello ", i) {
				t.Errorf("%s: entry %d is %d %q", name, i, e.Seq, e.Text)
			}
		}
	}
	if got := a.count(wire.EventReady); got != 1 {
		t.Errorf("got %d ready, want 1", got)
	}
}
