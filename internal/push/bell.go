package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// bellLanes is how many calls are told of at once. All that is told of a call goes
	// one after the other: that it rings no more does not overtake that it rings.
	bellLanes = 8
	// maxPeals bounds what waits in a lane; what comes behind it is not told.
	maxPeals = 64
	// maxRung bounds the calls that a lane remembers to have rung for.
	maxRung = 1_000
	// pealTries is how often a push service is asked, with pealPause between.
	pealTries = 3
	pealPause = 2 * time.Second
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
	Sender  *Sender
	Now     func() time.Time
	Logger  *slog.Logger
}

// Bell tells browsers that are not looking of calls: that somebody calls, that it rings
// no more, and that a call was missed. The three have one tag, so that a device shows one
// of them at a time. It is done as well as can be done within the time that a call rings:
// what stays of a call is its entry in the conversation. Safe for concurrent use.
type Bell struct {
	d       BellDeps
	seed    maphash.Seed
	lanes   [bellLanes]lane
	dropped atomic.Int64
}

// lane is a queue of what is to be told. rung belongs to the goroutine that serves it.
type lane struct {
	in   chan peal
	rung map[callKey]*rung
}

// callKey names a call: clients make the ids, and of two conversations they may be the same.
type callKey struct {
	conversation chat.ConversationID
	call         chat.CallID
}

func keyOf(c *chat.Call) callKey { return callKey{c.ConversationID, c.ID} }

// rung is for whom a call was rung.
type rung struct {
	users map[chat.UserID][]chat.PushSubscription
	until chat.Time // when it is worth remembering no more
}

// peal is one thing to tell, or to know.
type peal struct {
	kind  string // callRings, callMissed, or "": the call is something else now
	call  chat.Call
	users []chat.UserID
}

// What a notification says of a call.
const (
	callRings  = "call"
	callOver   = "call_over"
	callMissed = "call_missed"
)

// NewBell makes a bell. It tells nothing before Run.
func NewBell(d BellDeps) *Bell {
	b := &Bell{d: d, seed: maphash.MakeSeed()}
	for i := range b.lanes {
		b.lanes[i] = lane{in: make(chan peal, maxPeals), rung: make(map[callKey]*rung)}
	}
	return b
}

// Dropped is how much was not told because too much waited.
func (b *Bell) Dropped() int64 { return b.dropped.Load() }

// Run tells until ctx ends; what waits then is not told.
func (b *Bell) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for i := range b.lanes {
		l := &b.lanes[i]
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case p := <-l.in:
					b.tell(ctx, l, p)
				}
			}
		})
	}
	all.Wait()
	b.d.Sender.Close()
	return nil
}

// Changed takes that this node made a call what it is; before is the call that the
// conversation had. It does not block.
func (b *Bell) Changed(before, after chat.Call) {
	switch {
	case before.ID != after.ID && after.State == chat.CallRinging:
		b.add(peal{callRings, after, after.Ringing})
	case before.ID == after.ID && before.State != chat.CallEnded && missed(&after):
		b.add(peal{callMissed, after, before.Ringing})
	}
}

// Heard takes what this node came to know of a call. It does not block.
func (b *Bell) Heard(now chat.Call) {
	if now.Version > 1 { // of the first nobody was told before
		b.add(peal{call: now})
	}
}

// missed reports that a call ended before anybody answered, and nobody said no.
func missed(c *chat.Call) bool {
	return c.State == chat.CallEnded && (c.Outcome == chat.CallMissed || c.Outcome == chat.CallFailed || c.Outcome == chat.CallBusy)
}

func (b *Bell) add(p peal) {
	select {
	case b.lanes[maphash.Comparable(b.seed, keyOf(&p.call))%bellLanes].in <- p:
	default:
		b.dropped.Add(1)
	}
}

func (b *Bell) now() chat.Time { return chat.TimeOf(b.d.Now()) }

// tell does one thing after the other.
func (b *Bell) tell(ctx context.Context, l *lane, p peal) {
	known := l.rung[keyOf(&p.call)]
	switch {
	case p.kind == callRings:
		if known == nil { // once a call
			b.ring(ctx, l, &p)
		}
	case p.kind == callMissed:
		b.missed(ctx, known, &p)
		delete(l.rung, keyOf(&p.call))
	case known == nil:
	case missed(&p.call): // another node noted it, and does not know which devices rang
		for _, subs := range known.users {
			b.send(ctx, callMissed, &p.call, subs)
		}
		delete(l.rung, keyOf(&p.call))
	default:
		for user, subs := range known.users {
			if !slices.Contains(p.call.Ringing, user) {
				b.send(ctx, callOver, &p.call, subs)
				delete(known.users, user)
			}
		}
		if len(known.users) == 0 {
			delete(l.rung, keyOf(&p.call))
		}
	}
}

func (b *Bell) ring(ctx context.Context, l *lane, p *peal) {
	for id, r := range l.rung {
		if r.until < b.now() {
			delete(l.rung, id)
		}
	}
	told := &rung{users: make(map[chat.UserID][]chat.PushSubscription), until: p.call.StartedAt + 4*rings}
	if len(l.rung) < maxRung {
		l.rung[keyOf(&p.call)] = told
	}
	for _, user := range p.users {
		if subs := b.wanting(ctx, &p.call, user); len(subs) > 0 {
			if sent := b.send(ctx, callRings, &p.call, subs); len(sent) > 0 {
				told.users[user] = sent
			}
		}
	}
}

// missed tells everybody who was called, and takes the ringing off the devices that rang.
func (b *Bell) missed(ctx context.Context, known *rung, p *peal) {
	for _, user := range p.users {
		subs := b.wanting(ctx, &p.call, user)
		if len(subs) == 0 && known != nil {
			subs = known.users[user] // they look elsewhere by now
		}
		b.send(ctx, callMissed, &p.call, subs)
	}
}

// wanting gives the browsers of somebody who is to be told of a call: none if they look
// at a client, which says so itself, or want to hear nothing of the conversation.
func (b *Bell) wanting(ctx context.Context, call *chat.Call, user chat.UserID) []chat.PushSubscription {
	subs, err := b.d.Pushes.Subscriptions(ctx, user)
	if err != nil || len(subs) == 0 {
		b.failed(ctx, "find whom to tell of a call", err)
		return nil
	}
	view, err := b.d.Views.Conversation(ctx, user, call.ConversationID)
	if err != nil {
		if !errors.Is(err, chat.ErrNotFound) {
			b.failed(ctx, "read the conversation of a call", err)
		}
		return nil
	}
	now := b.now()
	c := chat.PushCandidate{
		UserID: user, Preferences: view.Preferences, Kind: view.Kind, Members: view.Members, Seq: 1, SenderID: call.CallerID, At: call.StartedAt,
	}
	if !c.Wanted(now) {
		return nil
	}
	looking, err := b.d.Looking.Online(ctx, []chat.UserID{user}, now)
	if err != nil {
		b.failed(ctx, "ask who looks at a client", err) // better told twice than not at all
	}
	if looking[user] {
		return nil
	}
	return subs
}

// failed logs what went wrong, unless it is that this node stops.
func (b *Bell) failed(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		b.d.Logger.WarnContext(ctx, "tell of a call", "step", what, "error", err)
	}
}

// send tells some browsers of one person, and gives those that were reached.
func (b *Bell) send(ctx context.Context, kind string, call *chat.Call, subs []chat.PushSubscription) (sent []chat.PushSubscription) {
	results := make([]chat.PushResult, len(subs))
	slots := make(chan struct{}, sendAtOnce)
	var under sync.WaitGroup
	for i := range subs {
		slots <- struct{}{}
		under.Go(func() {
			defer func() { <-slots }()
			results[i] = b.one(ctx, kind, call, &subs[i])
		})
	}
	under.Wait()
	for i := range results {
		if results[i].Verdict == chat.PushSent {
			sent = append(sent, subs[i])
		}
	}
	results = slices.DeleteFunc(results, func(r chat.PushResult) bool { return r.Verdict == "" })
	if len(results) > 0 { // for their owners to see; nothing waits to be finished
		b.failed(ctx, "note what was sent", b.d.Pushes.FinishPushes(context.WithoutCancel(ctx), results))
	}
	return sent
}

// one tells one browser. No verdict means that it is of no use any more.
func (b *Bell) one(ctx context.Context, kind string, call *chat.Call, sub *chat.PushSubscription) chat.PushResult {
	r := chat.PushResult{Job: chat.PushJob{Subscription: *sub, ConversationID: call.ConversationID}}
	for try := 1; ; try++ {
		n, err := b.notification(ctx, kind, call, sub)
		if err != nil || n.keep <= 0 {
			b.failed(ctx, "make the notification", err)
			return r
		}
		o := b.d.Sender.send(ctx, sub, n)
		if o.verdict != chat.PushRetry || try == pealTries {
			r.At, r.Verdict, r.Failure = b.now(), o.verdict, o.failure
			if o.verdict == chat.PushRetry {
				r.Verdict = chat.PushFailed
			}
			return r
		}
		pause := time.NewTimer(pealPause)
		select {
		case <-ctx.Done():
			pause.Stop()
			return r
		case <-pause.C:
		}
	}
}

// notification makes what is sent. A device that comes back later than a call rings
// hears of it only if it was missed (the TTL of RFC 8030 section 5.2).
func (b *Bell) notification(ctx context.Context, kind string, call *chat.Call, sub *chat.PushSubscription) (n notification, err error) {
	id := call.ConversationID
	p := payload{V: 1, Kind: kind, ID: fmt.Sprint("call:", id, ":", call.ID), ConversationID: &id, CallID: &call.ID, At: call.StartedAt}
	until := call.StartedAt + rings
	if kind == callRings {
		p.Until = until
	}
	if sub.Content && kind != callOver {
		if err := b.content(ctx, call, sub.UserID, &p); err != nil {
			return n, err
		}
	}
	if n.payload, err = json.Marshal(p); err != nil {
		return n, fmt.Errorf("encode notification: %w", err)
	}
	sum := sha256.Sum256([]byte(p.ID))
	n.topic, n.urgent = base64.RawURLEncoding.EncodeToString(sum[:24]), kind == callRings
	switch kind {
	case callMissed:
		n.keep = keepSeconds
	case callRings:
		n.keep = int((until - b.now() + 999) / 1_000)
	case callOver: // replaces what the push service still has
		n.keep = int(rings / 1_000)
	}
	return n, nil
}

// content adds who calls, and where if it is a group.
func (b *Bell) content(ctx context.Context, call *chat.Call, user chat.UserID, p *payload) error {
	users, err := b.d.People.Users(ctx, []chat.UserID{call.CallerID})
	if err != nil {
		return fmt.Errorf("read name: %w", err)
	}
	view, err := b.d.Views.Conversation(ctx, user, call.ConversationID)
	if err != nil {
		return fmt.Errorf("read conversation: %w", err)
	}
	caller := call.CallerID
	p.SenderID, p.Video = &caller, call.Video
	if len(users) > 0 {
		p.SenderName = users[0].DisplayName
	}
	if p.Title = view.Title; view.Kind == chat.Direct {
		p.Title = p.SenderName
	}
	return nil
}
