package push

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// maxTelling bounds the people who are told of a call at once. Most of that is waiting
	// for push services; of more nobody is told.
	maxTelling = 1_024
	// maxTellingOf bounds the calls that one person is told of at once: whose browsers are
	// behind push services that do not answer takes nobody else's place.
	maxTellingOf = 16
	// maxLines bounds the people of whom is remembered what they were told of a call.
	maxLines = 16_384
	// sweepEvery is how often what is worth remembering no more is looked for, in milliseconds.
	sweepEvery = 10_000
	// rings is how long a call rings, in milliseconds.
	rings = chat.Time(chat.CallRings / time.Millisecond)
)

// Subscriptions is what a bell needs of chat.Pushes.
type Subscriptions interface {
	Subscriptions(ctx context.Context, user chat.UserID) ([]chat.PushSubscription, error)
	FinishPushes(ctx context.Context, results []chat.PushResult) error
}

// BellDeps are the parts that a Bell stands on. All of them are needed.
type BellDeps struct {
	Pushes  Subscriptions
	Views   Views
	People  People
	Looking Looking
	// Rang has all nodes know of whom devices are about to ring, so that each of them can say
	// that it rings no more, should this one be gone by then.
	Rang   func(ctx context.Context, call *chat.Call, users []chat.UserID) error
	Sender *Sender
	Now    func() time.Time
	Logger *slog.Logger
}

// Bell tells browsers that are not looking of calls: that somebody calls, that it rings
// no more, and that a call was missed. The three have one tag, so that a device shows one
// of them at a time. It is done as well as can be done within the time that a call rings:
// what stays of a call is its entry in the conversation. Nobody waits for the push service
// of somebody else. Safe for concurrent use.
type Bell struct {
	d       BellDeps
	jobs    chan func(context.Context) // as many as may be under way
	store   chan struct{}              // who asks the store
	dropped atomic.Int64

	mu    sync.Mutex // guards what follows, and what is in it
	calls map[callKey]*rung
	lines int // of all calls
	swept chat.Time
	under int // jobs that wait or run
	of    map[chat.UserID]int
}

// callKey names a call: clients make the ids, and of two conversations they may be the same.
type callKey struct {
	conversation chat.ConversationID
	call         chat.CallID
}

func keyOf(c *chat.Call) callKey { return callKey{c.ConversationID, c.ID} }

// rung is what people are told of a call.
type rung struct {
	lines map[chat.UserID]*line
	until chat.Time // when it is worth remembering no more
}

// line is what one person is told of a call. What is told last is what they are to know last:
// a later thing waits for an earlier one, and ends its repetition.
type line struct {
	user       chat.UserID
	call       chat.Call // as it was when want was set
	want, told string    // callRings, callOver or callMissed; of the last two the first stays
	// looked says that it is known which browsers want to be told that it rings: subs.
	looked bool
	subs   []chat.PushSubscription
	rang   []chat.PushSubscription // those that ring, as far as is known
	// elsewhere says that another node rang, on which of their devices nobody knows here.
	elsewhere bool
	busy      bool   // a job is at it
	hurry     func() // has it not try again; nil: nothing to end
}

// What a notification says of a call.
const (
	callRings  = "call"
	callOver   = "call_over"
	callMissed = "call_missed"
)

// NewBell makes a bell. It tells nothing before Run.
func NewBell(d BellDeps) *Bell {
	return &Bell{
		d: d, jobs: make(chan func(context.Context), maxTelling), store: make(chan struct{}, lookAtOnce),
		calls: make(map[callKey]*rung), of: make(map[chat.UserID]int),
	}
}

// Dropped is how much was not told because too much waited.
func (b *Bell) Dropped() int64 { return b.dropped.Load() }

// Run tells until ctx ends; what waits then is not told.
func (b *Bell) Run(ctx context.Context) error {
	defer b.d.Sender.Close()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case job := <-b.jobs:
			all.Go(func() { job(ctx) })
		}
	}
}

// Changed takes that this node made a call what it is; before is the call that the
// conversation had, and rang are those whose devices some node has made ring for it.
// It does not block.
func (b *Bell) Changed(before, after chat.Call, rang []chat.UserID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case before.ID == after.ID:
		kind := callOver
		if missed(&after) {
			kind = callMissed
		}
		for _, user := range before.Ringing {
			if !slices.Contains(after.Ringing, user) {
				b.turn(&after, user, kind, slices.Contains(rang, user))
			}
		}
	case after.State == chat.CallRinging && b.calls[keyOf(&after)] == nil: // once a call
		b.begin(&after)
	}
}

// Heard takes what this node came to know of a call. It does not block.
func (b *Bell) Heard(now chat.Call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.calls[keyOf(&now)]
	if r == nil {
		return
	}
	kind := callOver
	if missed(&now) { // another node noted it, and may not know which devices rang
		kind = callMissed
	}
	for user := range r.lines {
		if !slices.Contains(now.Ringing, user) {
			b.turn(&now, user, kind, false)
		}
	}
}

// missed reports that a call ended before anybody answered, and nobody said no.
func missed(c *chat.Call) bool {
	return c.State == chat.CallEnded && (c.Outcome == chat.CallMissed || c.Outcome == chat.CallFailed || c.Outcome == chat.CallBusy)
}

func (b *Bell) now() chat.Time { return chat.TimeOf(b.d.Now()) }

// begin has everybody who is called told so. mu is held.
func (b *Bell) begin(call *chat.Call) {
	r := b.remember(call, len(call.Ringing))
	if r == nil {
		return
	}
	for _, user := range call.Ringing {
		r.lines[user] = &line{user: user, call: *call, want: callRings}
	}
	now := *call
	if !b.start(chat.UserID{}, func(ctx context.Context) { b.look(ctx, &now, r) }) {
		for _, l := range r.lines { // it does not ring; that they missed it they can be told
			l.told, l.looked = callRings, true
		}
	}
}

// remember makes room for what so many people are told of a call; nil when there is
// none. mu is held.
func (b *Bell) remember(call *chat.Call, people int) *rung {
	if now := b.now(); now >= b.swept+sweepEvery || b.lines+people > maxLines {
		b.swept = now
		for key, r := range b.calls {
			if r.until < now {
				b.lines -= len(r.lines)
				delete(b.calls, key)
			}
		}
	}
	if b.lines+people > maxLines {
		b.dropped.Add(1)
		return nil
	}
	r := b.calls[keyOf(call)]
	if r == nil {
		r = &rung{lines: make(map[chat.UserID]*line), until: call.StartedAt + 4*rings}
		b.calls[keyOf(call)] = r
	}
	b.lines += people
	return r
}

// turn says what somebody is to know of a call that does not ring for them any more.
// rang says that some node made their devices ring. mu is held.
func (b *Bell) turn(call *chat.Call, user chat.UserID, kind string, rang bool) {
	var l *line
	if r := b.calls[keyOf(call)]; r != nil {
		l = r.lines[user]
	}
	switch {
	case l == nil && kind == callOver && !rang: // they were told nothing
		return
	case l == nil:
		r := b.remember(call, 1)
		if r == nil {
			return
		}
		l = &line{user: user, looked: true, elsewhere: rang}
		r.lines[user] = l
	case l.want != callRings:
		return
	}
	l.want, l.call = kind, *call
	if l.hurry != nil {
		l.hurry()
	}
	b.nudge(l)
}

// nudge has somebody told what they do not know yet. mu is held.
func (b *Bell) nudge(l *line) {
	switch {
	case !l.looked || l.busy || l.told == l.want:
	case l.want == callRings && len(l.subs) == 0, l.want == callOver && len(l.rang) == 0 && !l.elsewhere: // nobody to tell
		l.told = l.want
	default:
		l.busy = b.start(l.user, func(ctx context.Context) { b.serve(ctx, l) })
	}
}

// start has a job done about somebody; false when too much is done already. mu is held.
func (b *Bell) start(user chat.UserID, job func(context.Context)) bool {
	if b.under >= maxTelling || !user.IsZero() && b.of[user] >= maxTellingOf {
		b.dropped.Add(1)
		return false
	}
	b.under++
	b.of[user]++
	b.jobs <- func(ctx context.Context) { // there is room: no more are under way than it holds
		job(ctx)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.under--
		if b.of[user]--; b.of[user] == 0 {
			delete(b.of, user)
		}
	}
	return true
}

// serve tells somebody what they do not know yet, one thing after the other.
func (b *Bell) serve(ctx context.Context, l *line) {
	for {
		b.mu.Lock()
		if l.told == l.want || ctx.Err() != nil {
			if l.busy, l.hurry, l.subs = false, nil, nil; l.told != callRings {
				l.rang = nil
			}
			b.mu.Unlock()
			return
		}
		patient, hurry := context.WithCancel(ctx)
		kind := l.want
		p := peal{kind: kind, call: l.call, user: l.user, subs: l.subs, rang: l.rang, elsewhere: l.elsewhere, patient: patient}
		l.hurry = hurry
		b.mu.Unlock()

		rang := b.tell(ctx, &p)
		hurry()
		b.mu.Lock()
		l.told = kind
		if kind == callRings {
			l.rang = rang
		}
		b.mu.Unlock()
	}
}
