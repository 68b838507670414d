package push

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// tower is a bell whose jobs the test does itself, and a browser of bob, whom ann calls.
type tower struct {
	*Bell
	t       *testing.T
	office  *office
	subs    []chat.PushSubscription
	now     chat.Time
	rang    []chat.UserID // of whom all nodes know that their devices ring
	service *service
	browser *browser
}

var (
	caller, called = chattest.User(0), chattest.User(1)
	theCall        = chat.CallID{15: 7}
)

func newTower(t *testing.T) *tower {
	s, b := newService(t), newBrowser(t)
	w := &tower{t: t, service: s, browser: b, now: chattest.Epoch}
	w.office = &office{view: &chat.ConversationView{
		Conversation: chat.Conversation{Kind: chat.Group, Title: "Club", Members: 3}, Head: chat.Head{ReadSeq: 40}, VisibleFrom: 9,
		Preferences: chat.Preferences{Notify: chat.NotifyAll},
	}}
	sub := *s.subscription(b)
	sub.UserID, sub.Content = called, true
	w.subs = []chat.PushSubscription{sub}
	w.Bell = NewBell(BellDeps{
		Pushes: w, Views: w.office, People: w.office, Looking: w.office, Sender: s.sender(t, true), Rang: w.noted,
		Now: func() time.Time { return w.now.Std() }, Logger: slog.New(slog.DiscardHandler),
	})
	return w
}

func (w *tower) Subscriptions(_ context.Context, user chat.UserID) ([]chat.PushSubscription, error) {
	if user != called {
		return nil, nil
	}
	return w.subs, w.office.broken
}

func (w *tower) FinishPushes(ctx context.Context, results []chat.PushResult) error {
	return w.office.FinishPushes(ctx, results)
}

func (w *tower) noted(_ context.Context, call *chat.Call, users []chat.UserID) error {
	if call.ID == theCall {
		w.rang = append(w.rang, users...)
	}
	return nil
}

// serve does what waits, and gives what the browser was told by it, oldest first.
func (w *tower) serve() (told []payload) {
	w.t.Helper()
	before := w.service.count()
	for len(w.jobs) > 0 {
		(<-w.jobs)(w.t.Context())
	}
	for _, body := range w.service.bodies[before:] {
		var p payload
		if err := json.Unmarshal(w.browser.open(w.t, body), &p); err != nil {
			w.t.Fatal(err)
		}
		told = append(told, p)
	}
	return told
}

func ringing() chat.Call {
	return chat.Call{
		ID: theCall, ConversationID: chattest.Room(0), CallerID: caller, Video: true, State: chat.CallRinging, Version: 1, StartedAt: chattest.Epoch,
		Ringing: []chat.UserID{called, chattest.User(2)}, Participants: []chat.CallPresent{{UserID: caller, DeviceID: chat.DeviceID{15: 1}, Video: true}},
	}
}

// next is the call after something happened to it.
func next(c chat.Call, change func(*chat.Call)) chat.Call {
	c.Ringing = slices.Clone(c.Ringing)
	c.Version++
	change(&c)
	return c
}

func answered(c chat.Call) chat.Call {
	return next(c, func(c *chat.Call) { c.State, c.Ringing = chat.CallLive, []chat.UserID{chattest.User(2)} })
}

func over(c chat.Call, outcome chat.CallOutcome) chat.Call {
	return next(c, func(c *chat.Call) { c.State, c.Outcome, c.Ringing = chat.CallEnded, outcome, []chat.UserID{} })
}

// Who looks at no client is told that it rings, once, for as long as it does (RFC 8030
// sections 5.2 to 5.4), and that it rings no more.
func TestABellRings(t *testing.T) {
	w := newTower(t)
	call := ringing()
	w.now += 5_500
	w.Changed(chat.Call{}, call, nil)
	w.Changed(chat.Call{}, call, nil)
	w.Heard(call)
	told := w.serve()
	if len(told) != 1 {
		t.Fatalf("got told %+v, want once", told)
	}
	p := told[0]
	if p.V != 1 || p.Kind != "call" || p.ID != "call:"+chattest.Room(0).String()+":"+theCall.String() || *p.CallID != theCall || *p.ConversationID != chattest.Room(0) ||
		p.Title != "Club" || p.SenderName != "Ann" || *p.SenderID != caller || !p.Video || p.Until != chattest.Epoch+45_000 {
		t.Errorf("got %+v", p)
	}
	h := w.service.got[0].Header
	if h.Get("Urgency") != "high" || h.Get("Ttl") != "40" || len(h.Get("Topic")) != 32 {
		t.Errorf("got %v", h)
	}
	if got := w.office.finished; len(got) != 1 || got[0].Verdict != chat.PushSent {
		t.Errorf("got %+v noted for the owner", got)
	}

	live := answered(call)
	w.Changed(call, live, w.rang)
	w.Heard(live)
	w.Heard(live)
	if told = w.serve(); len(told) != 1 || told[0].Kind != "call_over" || told[0].ID != p.ID || told[0].SenderName != "" {
		t.Errorf("got %+v when it was answered elsewhere", told)
	}
	if h := w.service.got[1].Header; h.Get("Topic") != w.service.got[0].Header.Get("Topic") || h.Get("Urgency") != "normal" {
		t.Errorf("got %v", h)
	}
	w.Changed(live, over(live, chat.CallAnswered), w.rang)
	w.Heard(over(live, chat.CallAnswered))
	if told = w.serve(); len(told) != 0 {
		t.Errorf("got %+v at the end, want nothing", told)
	}
}

// Clients make the ids of calls: one of the same id elsewhere changes nothing.
func TestABellTellsCallsOfTwoConversationsApart(t *testing.T) {
	w := newTower(t)
	call := ringing()
	w.Changed(chat.Call{}, call, nil)
	if told := w.serve(); len(told) != 1 {
		t.Fatalf("got told %+v, want once", told)
	}
	other := next(call, func(c *chat.Call) { c.ConversationID, c.Ringing = chattest.Room(1), []chat.UserID{chattest.User(5)} })
	w.Heard(other)
	w.Heard(over(other, chat.CallMissed))
	if told := w.serve(); len(told) != 0 {
		t.Errorf("got %+v of a call elsewhere", told)
	}
	w.Heard(answered(call))
	if told := w.serve(); len(told) != 1 || told[0].Kind != "call_over" {
		t.Errorf("got %+v, want that it rings no more", told)
	}
}

// What nobody answered is told in the place of the ringing, by whichever node noted it.
func TestABellTellsOfMissedCalls(t *testing.T) {
	for _, outcome := range []chat.CallOutcome{chat.CallMissed, chat.CallFailed, chat.CallBusy} {
		for name, tell := range map[string]func(w *tower, before, after chat.Call){
			"here":      func(w *tower, before, after chat.Call) { w.Changed(before, after, w.rang); w.Heard(after) },
			"elsewhere": func(w *tower, _, after chat.Call) { w.Heard(after) },
			"here, and they look by now": func(w *tower, before, after chat.Call) {
				w.office.looking = true
				w.Changed(before, after, w.rang)
			},
		} {
			w := newTower(t)
			w.Changed(chat.Call{}, ringing(), nil)
			rang := w.serve()
			tell(w, ringing(), over(ringing(), outcome))
			told := w.serve()
			if len(rang) != 1 || len(told) != 1 || told[0].Kind != "call_missed" || told[0].ID != rang[0].ID || told[0].SenderName != "Ann" || told[0].Title != "Club" {
				t.Errorf("%s, %s: got %+v and %+v", outcome, name, rang, told)
			}
		}
	}
	// A node that did not ring tells of the end all the same: the one that did may be gone.
	w := newTower(t)
	w.Changed(ringing(), over(ringing(), chat.CallMissed), nil)
	if told := w.serve(); len(told) != 1 || told[0].Kind != "call_missed" || w.service.got[0].Header.Get("Ttl") != "86400" {
		t.Errorf("got %+v", told)
	}
	// Nobody missed what was declined.
	w = newTower(t)
	w.Changed(ringing(), over(ringing(), chat.CallDeclined), nil)
	if told := w.serve(); len(told) != 0 {
		t.Errorf("got %+v for a call that was declined", told)
	}
}

// A node that did not ring ends the ringing all the same: the one that did may be gone.
func TestABellEndsWhatAnotherRang(t *testing.T) {
	call := ringing()
	for name, c := range map[string]struct {
		after  chat.Call
		rang   []chat.UserID
		change func(w *tower)
		want   string
	}{
		"answered":                         {after: answered(call), rang: []chat.UserID{called}, want: "call_over"},
		"declined":                         {after: over(call, chat.CallDeclined), rang: []chat.UserID{called}, want: "call_over"},
		"answered, and nobody rang":        {after: answered(call)},
		"answered, and it rang for others": {after: answered(call), rang: []chat.UserID{chattest.User(2)}},
		"missed, and they look by now":     {after: over(call, chat.CallMissed), rang: []chat.UserID{called}, change: func(w *tower) { w.office.looking = true }, want: "call_missed"},
		"missed, and they look as before":  {after: over(call, chat.CallMissed), change: func(w *tower) { w.office.looking = true }},
		"missed, and they are no member":   {after: over(call, chat.CallMissed), rang: []chat.UserID{called}, change: func(w *tower) { w.office.view = nil }, want: "call_over"},
	} {
		w := newTower(t)
		if c.change != nil {
			c.change(w)
		}
		w.Changed(call, c.after, c.rang)
		w.Heard(c.after)
		told := w.serve()
		if c.want == "" && len(told) != 0 || c.want != "" && (len(told) != 1 || told[0].Kind != c.want) {
			t.Errorf("%s: got %+v, want %q", name, told, c.want)
		}
	}
}

// All nodes know that it is about to ring before it does, and for whom.
func TestABellSaysForWhomItRings(t *testing.T) {
	w := newTower(t)
	w.Changed(chat.Call{}, ringing(), nil)
	if w.serve(); len(w.rang) != 1 || w.rang[0] != called {
		t.Errorf("got %v, want who has a browser that rings", w.rang)
	}
	w = newTower(t)
	w.d.Rang = func(context.Context, *chat.Call, []chat.UserID) error { return chat.ErrUnavailable }
	w.Changed(chat.Call{}, ringing(), nil)
	if told := w.serve(); len(told) != 1 {
		t.Errorf("got %+v while that cannot be noted, want it to ring all the same", told)
	}
}

func TestABellIsQuiet(t *testing.T) {
	for name, change := range map[string]func(w *tower){
		"for who looks at a client":     func(w *tower) { w.office.looking = true },
		"for who has muted it":          func(w *tower) { w.office.view.Preferences.MutedUntil = chattest.Epoch + 1<<40 },
		"for who wants none of it":      func(w *tower) { w.office.view.Preferences.Notify = chat.NotifyNone },
		"for who wants mentions alone":  func(w *tower) { w.office.view.Preferences.Notify = chat.NotifyMentions },
		"for who is no member any more": func(w *tower) { w.office.view = nil },
		"without a browser":             func(w *tower) { w.subs = nil },
		"when the store is away":        func(w *tower) { w.office.broken = errors.New("away") },
		"when it rings no more":         func(w *tower) { w.now += 45_000 },
	} {
		w := newTower(t)
		change(w)
		w.Changed(chat.Call{}, ringing(), nil)
		w.Heard(answered(ringing()))
		if told := w.serve(); len(told) != 0 || w.service.count() != 0 {
			t.Errorf("%s: got %+v", name, told)
		}
	}
}

func TestABellTellsNoContentWhereNoneIsWanted(t *testing.T) {
	w := newTower(t)
	w.subs[0].Content = false
	w.Changed(chat.Call{}, ringing(), nil)
	told := w.serve()
	w.Changed(ringing(), over(ringing(), chat.CallMissed), nil)
	told = append(told, w.serve()...)
	if len(told) != 2 {
		t.Fatalf("got %+v", told)
	}
	for _, p := range told {
		if p.Title != "" || p.SenderName != "" || p.SenderID != nil || p.Video || *p.CallID != theCall {
			t.Errorf("got %+v", p)
		}
	}
}

// A browser that has ended its subscription is forgotten; nothing that nobody takes
// away fills the bell.
func TestABellIsBounded(t *testing.T) {
	w := newTower(t)
	w.service.answers(410)
	w.Changed(chat.Call{}, ringing(), nil)
	if w.serve(); len(w.office.finished) != 1 || w.office.finished[0].Verdict != chat.PushGone {
		t.Errorf("got %+v", w.office.finished)
	}
	w.Changed(chat.Call{}, ringing(), nil) // it rang already
	if got := len(w.jobs); got != 0 {
		t.Errorf("got %d jobs, want none", got)
	}
	for i := range maxTelling + 5 {
		w.Changed(chat.Call{}, next(ringing(), func(c *chat.Call) { c.ID = chat.CallID{1, 14: byte(i >> 8), 15: byte(i)} }), nil)
	}
	if got := w.Dropped(); got != 5 {
		t.Errorf("got %d dropped, want 5", got)
	}
	// What is over is forgotten.
	w.now += 5 * rings
	w.Changed(chat.Call{}, next(ringing(), func(c *chat.Call) { c.ID, c.StartedAt = chat.CallID{2}, w.now }), nil)
	if len(w.calls) != 1 || w.Bell.lines != 2 {
		t.Errorf("got %d calls and %d people remembered, want one and two", len(w.calls), w.Bell.lines)
	}
}
