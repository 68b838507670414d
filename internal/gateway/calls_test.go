package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/call"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/wire"
)

// A call between people on two nodes: it rings on every device, one answers, signals
// reach the one socket they are for, and it ends for everybody, once.
func TestACallAcrossNodes(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob := n.person(), n.person()
	room := n.direct(ann, bob)
	n.stored(room, 1)
	a, a2 := n.connect(ann), far.connect(ann)
	b, b2 := far.connect(bob), n.connect(bob)

	started := a.start(room, 1, 1)
	if started.State != chat.CallRinging || started.CallerID != ann.id || !started.Video || !slices.Equal(started.Ringing, []chat.UserID{bob.id}) ||
		len(started.Participants) != 1 || started.Participants[0] != (chat.CallPresent{UserID: ann.id, DeviceID: phone(1), Video: true}) {
		t.Errorf("got %+v", started)
	}
	for _, d := range []*device{a2, b, b2} {
		d.rings(1)
		if calls := d.calls(); len(calls) != 1 || calls[0].ID != started.ID {
			t.Errorf("got calls %+v", calls)
		}
	}
	// K9: nobody can send anything to anybody before somebody answered.
	a.refused(wire.EventCallSignal, signal(room, 1, 1, 3, offer), chat.CodeNotFound)
	b.refused(wire.EventCallSignal, signal(room, 1, 3, 1, offer), chat.CodeNotFound)

	got := joined(t, b.must(wire.EventCallAnswer, answer(room, 1, 3)))
	if got.ICE.Servers == nil || got.Call.State != chat.CallLive || got.Call.AnsweredAt == 0 {
		t.Errorf("got %+v", got)
	}
	for _, d := range []*device{a, a2, b, b2} {
		if c := d.live(1, 2); len(c.Ringing) != 0 {
			t.Errorf("got %+v, want nobody called any more", c)
		}
	}
	late := b2.refused(wire.EventCallAnswer, answer(room, 1, 4), chat.CodeConflict)
	if late.Error.Reason != "answered_elsewhere" {
		t.Errorf("got %+v", late.Error)
	}

	for i := range 5 {
		a.must(wire.EventCallSignal, signal(room, 1, 1, 3, fmt.Sprintf(`{"type":"state","n":%d}`, i)))
	}
	b.must(wire.EventCallSignal, signal(room, 1, 3, 1, offer))
	for i := range 5 {
		var s wire.CallSignalled
		b.next(wire.EventCallSignal).into(t, &s)
		if s.From != phone(1) || s.UserID != ann.id || s.CallID != started.ID || string(s.Signal) != fmt.Sprintf(`{"type":"state","n":%d}`, i) {
			t.Errorf("got %+v, want signal %d", s, i)
		}
	}
	a.next(wire.EventCallSignal)

	a.must(wire.EventCallUpdate, wire.CallUpdate{ConversationID: room, CallID: callNumber(1), DeviceID: phone(1)})
	b.until("a camera that is off", func(c *chat.Call) bool { return len(c.Participants) == 2 && !c.Participants[0].Video })

	b.must(wire.EventCallEnd, end(room, 1, 3))
	for _, d := range []*device{a, a2, b, b2} {
		d.ended(1, chat.CallAnswered)
		d.noted(room, 1, chat.CallAnswered, ann, bob)
	}
	a.must(wire.EventCallEnd, end(room, 1, 1)) // both hang up
	gone := b2.refused(wire.EventCallAnswer, answer(room, 1, 4), chat.CodeConflict)
	if gone.Error.Reason != "call_ended" {
		t.Errorf("got %+v", gone.Error)
	}
	if calls := a2.calls(); len(calls) != 0 {
		t.Errorf("got calls %+v after the end", calls)
	}
	for name, d := range map[string]*device{"ann's other": a2, "bob's other": b2} {
		if d.count(wire.EventCallSignal) != 0 {
			t.Errorf("%s device got signals that are not for it", name)
		}
	}
	for name, want := range map[string]int{wire.EventCallRinging: 1, wire.EventCallAnswered: 2, wire.EventCallEnded: 1} {
		for _, d := range []*device{a2, b, b2} {
			if got := d.count(name); got < want || got > want && name != wire.EventCallAnswered {
				t.Errorf("got %d events %s, want %d", got, name, want)
			}
		}
	}
	if a.count(wire.EventCallRinging) != 0 {
		t.Error("the device that calls was told that it rings")
	}
	for _, d := range []*device{a, a2, b, b2} {
		if d.count(wire.EventCallEnded) != 1 {
			t.Errorf("got %d ends of one call", d.count(wire.EventCallEnded))
		}
	}
}

func TestCallsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want chat.CallOutcome
		do   func(n *node, a, b *device, room chat.ConversationID)
	}{
		"declined": {chat.CallDeclined, func(_ *node, _, b *device, room chat.ConversationID) {
			b.must(wire.EventCallAnswer, wire.CallAnswer{ConversationID: room, CallID: callNumber(1), DeviceID: phone(3)})
		}},
		"busy": {chat.CallBusy, func(_ *node, _, b *device, room chat.ConversationID) {
			b.must(wire.EventCallAnswer, wire.CallAnswer{ConversationID: room, CallID: callNumber(1), DeviceID: phone(3), Busy: true})
		}},
		"given up": {chat.CallMissed, func(_ *node, a, _ *device, room chat.ConversationID) {
			a.must(wire.EventCallEnd, end(room, 1, 1))
		}},
		"not heard": {chat.CallMissed, func(n *node, _, _ *device, _ chat.ConversationID) { n.now.move(chat.CallRings) }},
		"the caller vanishes": {chat.CallFailed, func(n *node, a, _ *device, _ chat.ConversationID) {
			if err := a.client.Drop(); err != nil {
				n.t.Fatal(err)
			}
			a.wait("the end of the socket", func() bool { return a.over })
			for end := time.Now().Add(patience); n.calls.Stats().Bound != 0; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					n.t.Fatal("the socket has its place still")
				}
			}
			n.now.move(chat.CallLease)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t)
			ann, bob := n.person(), n.person()
			room := n.direct(ann, bob)
			n.stored(room, 1)
			a, b, b2 := n.connect(ann), n.connect(bob), n.connect(bob)
			a.start(room, 1, 1)
			b.rings(1)
			b2.rings(1)
			c.do(n, a, b, room)
			for _, d := range []*device{b, b2} { // the second device stops ringing
				d.ended(1, c.want)
				d.noted(room, 1, c.want)
			}
			if c.want != chat.CallFailed {
				a.ended(1, c.want)
			}
		})
	}
}

// Two people who call each other at once have one call.
func TestBothCall(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob := n.person(), n.person()
	room := n.direct(ann, bob)
	n.stored(room, 1)
	a, b := n.connect(ann), far.connect(bob)
	var first, second chat.Call
	var both sync.WaitGroup
	both.Go(func() { first = a.start(room, 1, 1) })
	both.Go(func() { second = b.start(room, 2, 3) })
	both.Wait()
	if first.ID != second.ID || first.CallerID != second.CallerID {
		t.Fatalf("got %+v and %+v", first, second)
	}
	who, number, dev := b, 1, 3
	if first.CallerID == bob.id {
		who, number, dev = a, 2, 1
	}
	who.answer(room, number, dev) // as its client does
	a.live(number, 2)
	b.live(number, 2)
	again := a.start(room, 3, 1) // a call is under way
	if again.ID != callNumber(number) || again.State != chat.CallLive {
		t.Errorf("got %+v", again)
	}
	b.must(wire.EventCallEnd, end(room, number, 3))
	a.ended(number, chat.CallAnswered)
	b.ended(number, chat.CallAnswered)
}

// In a group each leaves for themselves; who is removed leaves too, and hears no more.
func TestGroupCall(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob, eve := n.person(), n.person(), n.person()
	room := n.group(chat.Group, 1, ann, bob, eve)
	n.stored(room, 1)
	a, b, e := n.connect(ann), far.connect(bob), far.connect(eve)
	a.start(room, 1, 1)
	b.rings(1)
	e.rings(1)
	b.answer(room, 1, 3)
	e.live(1, 2)
	e.answer(room, 1, 5)
	for _, d := range []*device{a, b, e} {
		d.live(1, 3)
	}
	e.must(wire.EventCallSignal, signal(room, 1, 5, 3, offer))
	b.next(wire.EventCallSignal)

	n.do(chattest.Remove(room, ann.id, eve.id))
	left := a.until("a call without eve", func(c *chat.Call) bool {
		return c.State == chat.CallLive && len(c.Participants) == 2 && c.Version > 3
	})
	if slices.ContainsFunc(left.Participants, func(p chat.CallPresent) bool { return p.UserID == eve.id }) {
		t.Errorf("got %+v", left)
	}
	e.next(wire.EventConversation)
	heard := len(e.events)
	e.refused(wire.EventCallSignal, signal(room, 1, 5, 3, offer), chat.CodeNotFound)
	b.refused(wire.EventCallSignal, signal(room, 1, 3, 5, offer), chat.CodeNotFound)
	e.refused(wire.EventCallAnswer, answer(room, 1, 5), chat.CodeNotFound)

	b.must(wire.EventCallEnd, end(room, 1, 3))
	a.ended(1, chat.CallAnswered)
	b.ended(1, chat.CallAnswered)
	a.noted(room, 1, chat.CallAnswered, ann, bob, eve)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.events[heard:] {
		if strings.HasPrefix(ev.name, "call.") {
			t.Errorf("who was removed got %s %s", ev.name, ev.data)
		}
	}
}

// K3: who is blocked reaches nobody, and nobody rings more than ten times a minute.
func TestUnwantedCalls(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	ann, bob, eve := n.person(), n.person(), n.person()
	room, other := n.direct(ann, bob), n.direct(ann, eve)
	channel := n.group(chat.Channel, 1, ann, bob)
	crowd := n.group(chat.Group, 2, ann, n.people(chat.MaxCallMembers)...)
	alone := n.group(chat.Group, 3, ann)
	for _, id := range []chat.ConversationID{room, other, channel, crowd, alone} {
		n.stored(id, 1)
	}
	a, b, e := n.connect(ann), n.connect(bob), n.connect(eve)
	n.block(bob, ann, true)
	begin := func(id chat.ConversationID, number int) wire.CallStart {
		return wire.CallStart{ConversationID: id, CallID: callNumber(number), DeviceID: phone(1)}
	}
	if got := a.refused(wire.EventCallStart, begin(room, 1), chat.CodeForbidden); got.Error.Reason != "blocked" {
		t.Errorf("got %+v", got.Error)
	}
	if got := b.refused(wire.EventCallStart, begin(room, 2), chat.CodeForbidden); got.Error.Reason != "blocking" {
		t.Errorf("got %+v", got.Error)
	}
	a.refused(wire.EventCallStart, begin(channel, 3), chat.CodeForbidden)
	a.refused(wire.EventCallStart, begin(crowd, 4), chat.CodeTooLarge)
	a.refused(wire.EventCallStart, begin(alone, 5), chat.CodeConflict)
	n.now.stop()
	refused := 0
	for i := range 40 {
		got := a.call(wire.EventCallStart, begin(other, 10+i))
		if got.OK {
			a.must(wire.EventCallEnd, end(other, 10+i, 1))
			continue
		}
		if got.Error.Code != chat.CodeRateLimited || got.Error.RetryAfterMS <= 0 {
			t.Errorf("got %+v", got.Error)
		}
		refused++
	}
	if rung := e.count(wire.EventCallRinging); refused < 30 || rung > 40-refused {
		t.Errorf("%d of 40 calls were refused, %d rang", refused, rung)
	}
	b.send(room2(t, n, bob), "k", "x") // whatever was on its way to bob has come
	if b.count(wire.EventCallRinging)+b.count(wire.EventCallEnded) != 0 {
		t.Error("who blocks was told of a call")
	}
}

// room2 is a conversation of one person that has nothing to do with others.
func room2(t testing.TB, n *node, p *person) chat.ConversationID {
	t.Helper()
	return n.group(chat.Group, 9, p)
}

// K1: who is not in a conversation, or not in its call, gets the answer that there is
// none, and nothing of theirs reaches anybody.
func TestStrangersAndCalls(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	ann, bob, eve := n.person(), n.person(), n.person()
	room, group := n.direct(ann, bob), n.group(chat.Group, 1, ann, bob, eve)
	n.stored(room, 1)
	n.stored(group, 1)
	a, b, e := n.connect(ann), n.connect(bob), n.connect(eve)
	a.start(room, 1, 1)
	b.answer(room, 1, 3)
	a.live(1, 2)
	for event, payload := range map[string]any{
		wire.EventCallStart:  wire.CallStart{ConversationID: room, CallID: callNumber(1), DeviceID: phone(5)},
		wire.EventCallAnswer: answer(room, 1, 5),
		wire.EventCallSignal: signal(room, 1, 1, 3, offer),
		wire.EventCallUpdate: wire.CallUpdate{ConversationID: room, CallID: callNumber(1), DeviceID: phone(1), Video: true},
		wire.EventCallEnd:    end(room, 1, 1),
	} {
		e.refused(event, payload, chat.CodeNotFound)
	}
	if calls := e.calls(); len(calls) != 0 {
		t.Errorf("a stranger got %+v", calls)
	}
	b.must(wire.EventCallEnd, end(room, 1, 3))
	a.ended(1, chat.CallAnswered)

	// A member of the conversation who is not in the call, or says to be somebody else.
	a.start(group, 2, 1)
	b.answer(group, 2, 3)
	e.live(2, 2)
	for _, s := range []wire.CallSignal{
		signal(group, 2, 5, 1, offer), // not in it
		signal(group, 2, 3, 1, offer), // bob's device
		signal(group, 1, 5, 1, offer), // another call
	} {
		e.refused(wire.EventCallSignal, s, chat.CodeNotFound)
	}
	a.refused(wire.EventCallSignal, signal(group, 2, 1, 1, offer), chat.CodeNotFound) // to itself
	a.refused(wire.EventCallSignal, signal(group, 2, 1, 9, offer), chat.CodeNotFound) // to nobody
	e.refused(wire.EventCallUpdate, wire.CallUpdate{ConversationID: group, CallID: callNumber(2), DeviceID: phone(3), Video: true}, chat.CodeNotFound)
	e.refused(wire.EventCallAnswer, answer(group, 2, 3), chat.CodeConflict) // bob's device
	e.must(wire.EventCallEnd, end(group, 2, 3))                             // ends nothing of bob's
	if got := a.calls(); len(got) != 1 || len(got[0].Participants) != 2 {
		t.Errorf("got %+v", got)
	}
	b.must(wire.EventCallSignal, signal(group, 2, 3, 1, offer))
	a.next(wire.EventCallSignal)
	if a.count(wire.EventCallSignal) != 1 || b.count(wire.EventCallSignal) != 0 {
		t.Errorf("got %d and %d signals, want one and none", a.count(wire.EventCallSignal), b.count(wire.EventCallSignal))
	}
}

// K2: what is too large or no signal is refused with its code, and harms nobody.
func TestBadCallInput(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	ann, bob := n.person(), n.person()
	room := n.direct(ann, bob)
	n.stored(room, 1)
	a, b := n.connect(ann), n.connect(bob)
	a.start(room, 1, 1)
	b.answer(room, 1, 3)
	a.live(1, 2)
	base := map[string]any{"conversation_id": room, "call_id": callNumber(1), "device_id": phone(1)}
	with := func(more map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range base {
			out[k] = v
		}
		for k, v := range more {
			if v == nil {
				delete(out, k)
				continue
			}
			out[k] = v
		}
		return out
	}
	sig := func(s any) map[string]any { return with(map[string]any{"to": phone(3), "signal": s}) }
	for _, c := range []struct {
		event   string
		payload any
		want    chat.Code
	}{
		{wire.EventCallStart, with(map[string]any{"call_id": nil}), chat.CodeInvalid},
		{wire.EventCallStart, with(map[string]any{"device_id": nil}), chat.CodeInvalid},
		{wire.EventCallStart, with(map[string]any{"device_id": "phone"}), chat.CodeInvalid},
		{wire.EventCallStart, with(map[string]any{"device_id": 7}), chat.CodeInvalid},
		{wire.EventCallStart, with(map[string]any{"video": "yes"}), chat.CodeInvalid},
		{wire.EventCallStart, with(map[string]any{"surprise": true}), chat.CodeInvalid},
		{wire.EventCallStart, with(map[string]any{"conversation_id": nil}), chat.CodeNotFound},
		{wire.EventCallAnswer, with(map[string]any{"accept": true, "busy": true}), chat.CodeInvalid},
		{wire.EventCallAnswer, with(map[string]any{"accept": 1}), chat.CodeInvalid},
		{wire.EventCallAnswer, []any{}, chat.CodeInvalid},
		{wire.EventCallEnd, "x", chat.CodeInvalid},
		{wire.EventCallUpdate, with(map[string]any{"to": phone(3)}), chat.CodeInvalid},
		{wire.EventCallList, map[string]any{"user_id": bob.id}, chat.CodeInvalid},
		{wire.EventCallSignal, with(map[string]any{"signal": map[string]any{"type": "state"}}), chat.CodeInvalid},
		{wire.EventCallSignal, with(map[string]any{"to": phone(3)}), chat.CodeInvalid},
		{wire.EventCallSignal, sig(nil), chat.CodeInvalid},
		{wire.EventCallSignal, sig("offer"), chat.CodeInvalid},
		{wire.EventCallSignal, sig([]any{}), chat.CodeInvalid},
		{wire.EventCallSignal, sig(map[string]any{"type": "bye"}), chat.CodeInvalid},
		{wire.EventCallSignal, sig(map[string]any{"type": "offer", "sdp": "hello"}), chat.CodeInvalid},
		{wire.EventCallSignal, sig(map[string]any{"type": "offer", "sdp": "v=0\r\n\x1b[2J"}), chat.CodeInvalid},
		{wire.EventCallSignal, sig(map[string]any{"type": "candidate", "candidate": "candidate:1\r\na=x"}), chat.CodeInvalid},
		{wire.EventCallSignal, sig(map[string]any{"type": "offer", "sdp": "v=0\r\n" + strings.Repeat("a", chat.MaxSignalBytes)}), chat.CodeTooLarge},
	} {
		got := a.call(c.event, c.payload)
		if got.OK || got.Error.Code != c.want {
			t.Errorf("%s %.120v: got ok=%v %s, want %s", c.event, c.payload, got.OK, got.Error.Code, c.want)
		}
	}
	a.must(wire.EventCallSignal, sig(map[string]any{"type": "offer", "sdp": "v=0\r\n" + strings.Repeat("a", chat.MaxSignalBytes-100)}))
	b.next(wire.EventCallSignal)
	if b.count(wire.EventCallSignal) != 1 {
		t.Errorf("got %d signals, want the one that is right", b.count(wire.EventCallSignal))
	}
	n.now.stop()
	limited := 0
	for range 130 { // 10k candidates: of these at once a burst of 100 at most
		got := a.call(wire.EventCallSignal, sig(map[string]any{"type": "candidate", "candidate": ""}))
		if !got.OK {
			if got.Error.Code != chat.CodeRateLimited || got.Error.RetryAfterMS <= 0 {
				t.Fatalf("got %+v", got.Error)
			}
			limited++
		}
	}
	if limited < 30 {
		t.Errorf("%d of 130 signals at once were refused, want 30 or more", limited)
	}
}

// K5: a node dies with its sockets. Who was on it leaves the call within 30 s, for all.
func TestANodeDiesInACall(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob := n.person(), n.person()
	room, ringing := n.direct(ann, bob), n.group(chat.Group, 1, bob, ann)
	n.stored(room, 1)
	n.stored(ringing, 1)
	a, b := n.connect(ann), far.connect(bob)
	a.start(room, 1, 1)
	b.rings(1)
	b.answer(room, 1, 3)
	a.live(1, 2)
	b.start(ringing, 2, 3)
	a.rings(2)
	far.stop()
	n.now.move(chat.CallLease + time.Second)
	a.ended(1, chat.CallAnswered)
	a.ended(2, chat.CallFailed)
	a.noted(room, 1, chat.CallAnswered, ann, bob)
	a.noted(ringing, 2, chat.CallFailed)
}

// A client whose node goes comes back on another one, and is in the call still.
func TestBackInTheCall(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob := n.person(), n.person()
	room := n.direct(ann, bob)
	n.stored(room, 1)
	a, b := n.connect(ann), far.connect(bob)
	a.start(room, 1, 1)
	b.rings(1)
	b.answer(room, 1, 3)
	a.live(1, 2)
	far.stop()
	n.now.move(15 * time.Second)
	again := n.connect(bob)
	if calls := again.calls(); len(calls) != 1 || calls[0].ID != callNumber(1) {
		t.Fatalf("got %+v", calls)
	}
	if back := again.answer(room, 1, 3); len(back.Participants) != 2 {
		t.Errorf("got %+v", back)
	}
	a.must(wire.EventCallSignal, signal(room, 1, 1, 3, offer))
	again.next(wire.EventCallSignal)
	for range 6 { // both are kept in it
		n.now.move(9 * time.Second)
		before := n.calls.Stats()
		for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
			doc, _, err := n.board.Get(t.Context(), room)
			if err != nil {
				t.Fatal(err)
			}
			var s call.State
			if err := json.Unmarshal(doc, &s); err != nil {
				t.Fatal(err)
			}
			now := chat.TimeOf(n.now.now())
			if s.Leases[phone(1)] > now+15_000 && s.Leases[phone(3)] > now+15_000 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the leases are not renewed: %+v (%+v)", s, before)
			}
		}
	}
	again.must(wire.EventCallEnd, end(room, 1, 3))
	a.ended(1, chat.CallAnswered)
}

// A bus that loses everything about calls costs time, and nothing else.
func TestCallEventsThatAreLost(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	far := n.another()
	ann, bob := n.person(), n.person()
	room := n.direct(ann, bob)
	n.stored(room, 1)
	a, b := n.connect(ann), far.connect(bob)
	a.start(room, 1, 1)
	b.rings(1)
	lose := func(e *chat.Event) bool { return e.Kind == chat.EventCall }
	n.bus.lose.Store(&lose)
	pass := func(until func() bool) { // a second at a time, and nobody is too slow to look
		for end := time.Now().Add(patience); !until(); {
			if time.Now().After(end) {
				t.Fatal("nobody looked")
			}
			n.now.move(time.Second)
			n.calls.Tick(t.Context())
			far.calls.Tick(t.Context())
			time.Sleep(time.Millisecond)
		}
	}
	b.answer(room, 1, 3)
	pass(func() bool { return a.count(wire.EventCallAnswered) > 0 && b.count(wire.EventCallAnswered) > 0 })
	a.live(1, 2)
	a.must(wire.EventCallEnd, end(room, 1, 1))
	pass(func() bool { return a.count(wire.EventCallEnded) > 0 && b.count(wire.EventCallEnded) > 0 })
	a.ended(1, chat.CallAnswered)
	b.ended(1, chat.CallAnswered)
}
