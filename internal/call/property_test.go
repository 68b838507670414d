package call

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-chat/parley/internal/chat"
)

// TestEveryCallEndsOnce lets several nodes do anything in any order, each between the
// reading and the writing of another, while the board fails as "not done" and as "done,
// the answer got lost", the bus loses events, and nodes die. Whatever happens: a call
// has one outcome, for everybody; nobody is in it with two devices; and when all is
// quiet it has ended and is in the log.
func TestEveryCallEndsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { play(rt, false) })
}

// TestEveryCallSurvivesAForgetfulBoard is the same with a board that forgets everything
// now and then. Then nodes must not die too: what only they knew is lost.
func TestEveryCallSurvivesAForgetfulBoard(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { play(rt, true) })
}

func play(rt *rapid.T, forgets bool) {
	w := newWorld(rt, 3)
	g := &game{rt: rt, w: w, started: map[chat.CallID]bool{}}
	people := []chat.UserID{ann, bob, eve}[:rapid.IntRange(2, 3).Draw(rt, "people")]
	g.people = people
	w.fault = func(what string) bool {
		switch {
		case forgets && (what == "lose" || what == "publish"):
			return false
		case what == "log" || what == "lose":
			return rapid.IntRange(0, 3).Draw(rt, what) == 0
		}
		return rapid.IntRange(0, 15).Draw(rt, what) == 0
	}
	w.board.between = func() {
		if rapid.IntRange(0, 3).Draw(rt, "meanwhile") == 0 {
			g.act()
		}
	}
	moves := rapid.IntRange(1, 25).Draw(rt, "moves")
	for range moves {
		switch k := rapid.IntRange(0, 19).Draw(rt, "move"); {
		case k == 0 && forgets:
			w.flush()
		case k == 0:
			w.start(rapid.IntRange(0, 2).Draw(rt, "dies"))
		case k < 4:
			w.pass(chat.Time(rapid.IntRange(1, 12_000).Draw(rt, "ms")))
		case k < 8:
			w.nodes[rapid.IntRange(0, 2).Draw(rt, "looks")].c.Tick(rt.Context())
		default:
			g.act()
		}
	}
	g.end(forgets)
}

// game is what has been done in a world.
type game struct {
	rt      *rapid.T
	w       *world
	people  []chat.UserID
	started map[chat.CallID]bool
	count   byte
}

// act does something on some node.
func (g *game) act() {
	rt := g.rt
	n := g.w.nodes[rapid.IntRange(0, 2).Draw(rt, "node")]
	who := rapid.IntRange(0, len(g.people)-1).Draw(rt, "who")
	a := Action{
		Conversation: room, CallID: chat.CallID{15: g.count}, UserID: g.people[who],
		DeviceID: device(byte(1 + 2*who + rapid.IntRange(0, 1).Draw(rt, "device"))), Members: g.people, Direct: len(g.people) == 2,
	}
	switch rapid.IntRange(0, 11).Draw(rt, "act") {
	case 0, 1:
		a.Verb = Start
		if g.count == 0 || rapid.Bool().Draw(rt, "new") {
			g.count++
			a.CallID = chat.CallID{15: g.count}
		}
	case 2, 3, 4, 5:
		a.Verb = Answer
	case 6:
		a.Verb, a.Busy = Decline, rapid.Bool().Draw(rt, "busy")
	case 7:
		a.Verb, a.Video = Update, rapid.Bool().Draw(rt, "video")
	case 8:
		a.Verb = End
	case 9:
		n.c.Removed(room, []chat.UserID{a.UserID})
		return
	case 10:
		n.c.Release(room, a.CallID, a.DeviceID)
		return
	default:
		n.c.Tick(g.w.t.Context())
		return
	}
	call, err := n.do(a)
	if err == nil && a.Verb == Start && call.ID == a.CallID {
		g.started[call.ID] = true
	}
	if err == nil && a.Verb == Answer && !slices.ContainsFunc(call.Participants, func(p chat.CallPresent) bool { return p.DeviceID == a.DeviceID && p.UserID == a.UserID }) {
		rt.Fatalf("%v joined and is not in the call: %+v", a.UserID, call)
	}
}

// end heals the world, lets everybody go away, and looks at what is left.
func (g *game) end(forgets bool) {
	w := g.w
	w.fault, w.board.between = func(string) bool { return false }, nil
	for _, n := range w.nodes {
		for i := range g.count + 1 {
			for d := range byte(8) {
				n.c.Release(room, chat.CallID{15: i}, device(d))
			}
		}
		for _, u := range g.people { // their clients come back and ask
			if _, err := n.c.List(w.t.Context(), u); err != nil {
				g.rt.Fatal(err)
			}
		}
	}
	for range 60 {
		w.pass(1_000)
		w.tick()
	}
	doc, _, err := w.board.Get(w.t.Context(), room)
	if err != nil {
		g.rt.Fatal(err)
	}
	s, err := decode(doc)
	if err != nil || !s.over() || len(s.Owed) != 0 {
		g.rt.Fatalf("got %s, %v, want the call ended and logged", doc, err)
	}
	for id := range g.started {
		e, ok := w.logged[id]
		if !ok {
			g.rt.Fatalf("call %v is not in the log", id)
		}
		if e.Call.Outcome != w.outcomes[id] {
			g.rt.Fatalf("call %v is in the log as %q, was %q", id, e.Call.Outcome, w.outcomes[id])
		}
	}
	for i, n := range w.nodes {
		if shown := n.calls[room]; !shown.ID.IsZero() && shown.ID == s.Call.ID && shown.State != chat.CallEnded {
			g.rt.Fatalf("node %d shows %+v still (forgets: %v)", i, shown, forgets)
		}
	}
}
