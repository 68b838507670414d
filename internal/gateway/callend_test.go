package gateway_test

import (
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// inCall has two people of two nodes in a call: ann on this one, bob on the other.
func inCall(t *testing.T) (n *node, ann, bob *person, a, b *device) {
	t.Helper()
	n = newNode(t)
	far := n.another()
	ann, bob = n.person(), n.person()
	room := n.direct(ann, bob)
	n.stored(room, 1)
	a, b = n.connect(ann), far.connect(bob)
	a.start(room, 1, 1)
	b.rings(1)
	b.answer(room, 1, 3)
	a.live(1, 2)
	b.live(1, 2)
	return n, ann, bob, a, b
}

// I23: who blocks the other ends their call, on every node, whoever of them began it; no
// clock moves, so no lease and no ringing has run out.
func TestABlockEndsACall(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"the caller blocks", "the called one blocks"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, ann, bob, a, b := inCall(t)
			if name == "the caller blocks" {
				n.block(ann, bob, true)
			} else {
				n.block(bob, ann, true)
			}
			a.ended(1, chat.CallAnswered)
			b.ended(1, chat.CallAnswered)
			room := chat.DirectID(ann.id, bob.id)
			a.noted(room, 1, chat.CallAnswered, ann, bob)
			a.refused(wire.EventCallSignal, signal(room, 1, 1, 3, offer), chat.CodeNotFound)
			b.refused(wire.EventCallSignal, signal(room, 1, 3, 1, offer), chat.CodeNotFound)
			for _, d := range []*device{a, b} {
				if calls := d.calls(); len(calls) != 0 {
					t.Errorf("got calls %+v after the end", calls)
				}
			}
		})
	}
}

// A block ends the ringing too: nobody goes on calling whom they may not call.
func TestABlockEndsTheRinging(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob := n.person(), n.person()
	room := n.direct(ann, bob)
	n.stored(room, 1)
	a, b := n.connect(ann), far.connect(bob)
	a.start(room, 1, 1)
	b.rings(1)
	n.block(bob, ann, true)
	a.ended(1, chat.CallMissed)
	b.ended(1, chat.CallMissed)
	if got := a.refused(wire.EventCallStart, wire.CallStart{ConversationID: room, CallID: callNumber(2), DeviceID: phone(1)}, chat.CodeForbidden); got.Error.Reason != "blocked" {
		t.Errorf("got %+v", got.Error)
	}
}

// I23: a session that was revoked is in no call: of two people that is its end, and not
// only when the lease runs out, which it does not here: the clock stands.
func TestARevokedSessionLeavesItsCall(t *testing.T) {
	t.Parallel()
	n, ann, bob, a, b := inCall(t)
	if err := n.service.Revoke(t.Context(), bob.id, bob.session); err != nil {
		t.Fatal(err)
	}
	a.ended(1, chat.CallAnswered)
	b.wait("the end of the socket", func() bool { return b.over })
	a.noted(chat.DirectID(ann.id, bob.id), 1, chat.CallAnswered, ann, bob)
}

// In a group the others go on without the device whose session has ended.
func TestARevokedSessionLeavesTheCallOfAGroup(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob, eve := n.person(), n.person(), n.person()
	room := n.group(chat.Group, 1, ann, bob, eve)
	n.stored(room, 1)
	a, b, e := n.connect(ann), far.connect(bob), far.connect(eve)
	a.start(room, 1, 1)
	b.rings(1)
	b.answer(room, 1, 3)
	e.answer(room, 1, 5)
	a.live(1, 3)
	if err := n.service.Revoke(t.Context(), eve.id, eve.session); err != nil {
		t.Fatal(err)
	}
	left := a.until("a call without eve", func(c *chat.Call) bool { return c.State == chat.CallLive && len(c.Participants) == 2 && c.Version > 3 })
	if slices.ContainsFunc(left.Participants, func(p chat.CallPresent) bool { return p.UserID == eve.id }) {
		t.Errorf("got %+v", left)
	}
	b.must(wire.EventCallSignal, signal(room, 1, 3, 1, offer))
	a.next(wire.EventCallSignal)
}

// A call of a group rings for nobody who blocks the caller: they may join all the same.
func TestACallOfAGroupIsQuietForWhoBlocksTheCaller(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	ann, bob, eve := n.person(), n.person(), n.person()
	room := n.group(chat.Group, 1, ann, bob, eve)
	n.stored(room, 1)
	n.block(eve, ann, true)
	a, b, e := n.connect(ann), n.connect(bob), n.connect(eve)
	if call := a.start(room, 1, 1); !slices.Equal(call.Ringing, []chat.UserID{bob.id}) {
		t.Errorf("got it ringing for %v, want for bob alone", call.Ringing)
	}
	b.rings(1)
	e.answer(room, 1, 5)
	a.live(1, 2)
}
