package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// pealLimit bounds all that is done to tell one person one thing of a call.
	pealLimit = 20 * time.Second
	// pealTries is how often a push service is asked, with pealPause between.
	pealTries = 3
	pealPause = 2 * time.Second
	// noteLimit bounds how long is waited until all nodes know that it rings, and until
	// owners can see what became of their notifications.
	noteLimit = 2 * time.Second
	// lookAtOnce bounds the questions of a bell to the store.
	lookAtOnce = 8
)

// peal is one thing to tell one person.
type peal struct {
	kind       string // callRings, callOver or callMissed
	call       chat.Call
	user       chat.UserID
	subs, rang []chat.PushSubscription
	elsewhere  bool
	patient    context.Context //nolint:containedctx // ends when there is something newer to tell: nothing is tried again then
}

// look finds out which browsers are to be told that it rings, and has them told. All nodes
// know of it before the first is: any of them may have to tell that it rings no more.
func (b *Bell) look(ctx context.Context, call *chat.Call, r *rung) {
	limit, cancel := context.WithTimeout(ctx, pealLimit)
	defer cancel()
	found := make([][]chat.PushSubscription, len(call.Ringing))
	each(len(found), lookAtOnce, func(i int) { found[i], _ = b.wanting(limit, call, call.Ringing[i]) })
	var people []chat.UserID
	for i, user := range call.Ringing {
		if len(found[i]) > 0 {
			people = append(people, user)
		}
	}
	if len(people) > 0 {
		soon, cancel := context.WithTimeout(limit, noteLimit)
		b.failed(ctx, "note whose devices ring", b.d.Rang(soon, call, people))
		cancel()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, user := range call.Ringing {
		l := r.lines[user]
		l.subs, l.looked = found[i], true
		b.nudge(l)
	}
}

// tell tells somebody, and gives the browsers that know it, as far as can be said.
func (b *Bell) tell(ctx context.Context, p *peal) []chat.PushSubscription {
	limit, cancel := context.WithTimeout(ctx, pealLimit)
	defer cancel()
	switch p.kind {
	case callRings:
		return b.send(limit, p, p.subs)
	case callMissed:
		subs, member := b.wanting(limit, &p.call, p.user)
		if len(subs) > 0 {
			return b.send(limit, p, subs)
		}
		if !member { // of the call they are told nothing more
			p.kind = callOver
		}
	}
	// They look elsewhere by now, or want to hear of it no more: what rings does so no more.
	subs := p.rang
	if p.elsewhere {
		subs = b.browsers(limit, p.user)
	}
	return b.send(limit, p, subs)
}

// browsers gives all browsers of somebody.
func (b *Bell) browsers(ctx context.Context, user chat.UserID) (subs []chat.PushSubscription) {
	err := b.ask(ctx, func() (err error) {
		subs, err = b.d.Pushes.Subscriptions(ctx, user)
		return err
	})
	b.failed(ctx, "find whom to tell of a call", err)
	return subs
}

// ask asks the store; of many at once they take turns.
func (b *Bell) ask(ctx context.Context, question func() error) error {
	select {
	case b.store <- struct{}{}:
		defer func() { <-b.store }()
		return question()
	case <-ctx.Done():
		return fmt.Errorf("wait for the store: %w", ctx.Err())
	}
}

// wanting gives the browsers of somebody who is to be told of a call: none if they look
// at a client, which says so itself, or want to hear nothing of the conversation. member
// is false if they are in it no more.
func (b *Bell) wanting(ctx context.Context, call *chat.Call, user chat.UserID) (subs []chat.PushSubscription, member bool) {
	if subs = b.browsers(ctx, user); len(subs) == 0 {
		return nil, true
	}
	var view *chat.ConversationView
	err := b.ask(ctx, func() (err error) {
		view, err = b.d.Views.Conversation(ctx, user, call.ConversationID)
		return err
	})
	if errors.Is(err, chat.ErrNotFound) {
		return nil, false
	}
	if err != nil {
		b.failed(ctx, "read the conversation of a call", err)
		return nil, true
	}
	now := b.now()
	c := chat.PushCandidate{
		UserID: user, Preferences: view.Preferences, Kind: view.Kind, Members: view.Members, Seq: 1, SenderID: call.CallerID, At: call.StartedAt,
	}
	if !c.Wanted(now) {
		return nil, true
	}
	looking, err := b.d.Looking.Online(ctx, []chat.UserID{user}, now)
	if err != nil {
		b.failed(ctx, "ask who looks at a client", err) // better told twice than not at all
	}
	if looking[user] {
		return nil, true
	}
	return subs, true
}

// failed logs what went wrong, unless it is that this node stops.
func (b *Bell) failed(ctx context.Context, what string, err error) {
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		b.d.Logger.WarnContext(ctx, "tell of a call", "step", what, "error", err)
	}
}

// send tells some browsers of one person, all at once, and gives those that know it, as
// far as can be said.
func (b *Bell) send(ctx context.Context, p *peal, subs []chat.PushSubscription) (know []chat.PushSubscription) {
	results := make([]chat.PushResult, len(subs))
	reached := make([]bool, len(subs))
	each(len(subs), chat.MaxPushSubscriptions, func(i int) { results[i], reached[i] = b.one(ctx, p, &subs[i]) })
	for i := range subs {
		if reached[i] {
			know = append(know, subs[i])
		}
	}
	// For their owners to see; nothing waits to be finished.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	b.failed(ctx, "note what was sent", b.ask(note, func() error { return finish(note, b.d.Pushes, results) }))
	return know
}

// one tells one browser. No verdict means that it is of no use any more. reached says that
// the push service has it, or may have it.
func (b *Bell) one(ctx context.Context, p *peal, sub *chat.PushSubscription) (r chat.PushResult, reached bool) {
	r.Job = chat.PushJob{Subscription: *sub, ConversationID: p.call.ConversationID}
	for try := 1; ; try++ {
		n, err := b.notification(ctx, p, sub)
		if err != nil || n.keep <= 0 {
			b.failed(ctx, "make the notification", err)
			return r, reached
		}
		o := b.d.Sender.send(ctx, sub, n)
		reached = reached || o.unsure || o.verdict == chat.PushSent
		if errors.Is(ctx.Err(), context.Canceled) && o.verdict == chat.PushRetry {
			return r, reached // we stopped, not they
		}
		if o.verdict == chat.PushRetry && try < pealTries && rest(ctx, p.patient, pealPause) {
			continue
		}
		r.At, r.Verdict, r.Failure = b.now(), o.verdict, o.failure
		if o.verdict == chat.PushRetry {
			r.Verdict = chat.PushFailed
		}
		return r, reached
	}
}

// rest waits, and reports whether it did to the end: false when either context ended.
func rest(ctx, patient context.Context, pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-patient.Done():
	case <-t.C:
		return true
	}
	return false
}

// notification makes what is sent. A device that comes back later than a call rings
// hears of it only if it was missed (the TTL of RFC 8030 section 5.2).
func (b *Bell) notification(ctx context.Context, said *peal, sub *chat.PushSubscription) (n notification, err error) {
	kind, call := said.kind, &said.call
	id := call.ConversationID
	p := payload{V: 1, Kind: kind, ID: fmt.Sprint("call:", id, ":", call.ID), ConversationID: &id, CallID: &call.ID, At: call.StartedAt}
	until := call.StartedAt + rings
	if kind == callRings {
		p.Until = until
	}
	if sub.Content && kind != callOver {
		if err := b.ask(ctx, func() error { return b.content(ctx, call, sub.UserID, &p) }); err != nil {
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
