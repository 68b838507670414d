package gateway_test

import (
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// A call id is made by a client, and everybody who was in a call knows it, and the
// devices in it: that somebody has a call of the same id elsewhere takes nobody's place.
func TestTheSameCallIDElsewhere(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	ann, bob, eve, mallory := n.person(), n.person(), n.person(), n.person()
	room, other := n.direct(ann, bob), n.direct(eve, mallory)
	n.stored(room, 1)
	n.stored(other, 1)
	a, b, e := n.connect(ann), n.connect(bob), n.connect(eve)
	a.start(room, 1, 1)
	b.answer(room, 1, 3)
	a.live(1, 2)
	hears := func(what string) {
		t.Helper()
		a.must(wire.EventCallSignal, signal(room, 1, 1, 3, offer))
		b.next(wire.EventCallSignal)
		b.must(wire.EventCallSignal, signal(room, 1, 3, 1, offer))
		a.next(wire.EventCallSignal)
		if heard := e.count(wire.EventCallSignal); heard != 0 {
			t.Errorf("%s: eve heard %d signals", what, heard)
		}
	}
	e.start(other, 1, 3) // as bob's device
	hears("while it rings elsewhere")
	e.must(wire.EventCallEnd, end(other, 1, 3))
	e.ended(1, chat.CallMissed)
	hears("after it ended elsewhere")
}

// K3: in a group too, a call does not ring for who blocks the caller. They may join it.
func TestABlockedCallerInAGroup(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	ann, bob, eve := n.person(), n.person(), n.person()
	group := n.group(chat.Group, 1, ann, bob, eve)
	two := n.group(chat.Group, 2, ann, bob)
	n.stored(group, 1)
	n.stored(two, 1)
	a, b := n.connect(ann), n.connect(bob)
	n.block(bob, ann, true)

	if c := a.start(group, 1, 1); !slices.Equal(c.Ringing, []chat.UserID{eve.id}) {
		t.Errorf("it rings for %v, want eve alone", c.Ringing)
	}
	if c := b.answer(group, 1, 3); c.State != chat.CallLive {
		t.Errorf("got %+v, want bob in the call", c)
	}
	a.must(wire.EventCallEnd, end(group, 1, 1))
	got := a.refused(wire.EventCallStart, wire.CallStart{ConversationID: two, CallID: callNumber(2), DeviceID: phone(1)}, chat.CodeConflict)
	if got.Error.Reason != "nobody_to_call" {
		t.Errorf("got %+v", got.Error)
	}
}
