package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// RenewEvery is how often leases are renewed. They last chat.PresenceLease: nobody
	// flickers while they cannot be renewed for 20 s.
	RenewEvery = 15 * time.Second
	// owedEvery is how often is tried again what could not be done: to renew a lease, or
	// to end one.
	owedEvery = 2 * time.Second
	// touchRounds is after how many renewals the store is told who is online, for
	// the case that this node dies without saying so.
	touchRounds = 20
	// presenceBatch bounds the people of one question.
	presenceBatch = 500
)

// SeenToucher is the part of chat.Accounts that notes when people were online.
type SeenToucher interface {
	TouchSeen(ctx context.Context, seen map[chat.UserID]chat.Time) error
}

// PresenceDeps are what the worker stands on.
type PresenceDeps struct {
	Leases chat.Presence
	// Seen and Bus may be nil: then nothing but the leases is kept.
	Seen SeenToucher
	Bus  chat.Bus
	// Local gives everybody who is on this node.
	Local func() []chat.UserID
	// Heard reports whether somebody who is on this node gives signs of life. The lease
	// of who does not is left as it is: it may end by itself, should this node not be
	// able to end it once they are given up. Nil: everybody does.
	Heard  func(chat.UserID) bool
	Node   string
	Now    func() time.Time
	Logger *slog.Logger
}

// Presence keeps the leases of who is on this node, or looks at it, tells watchers of those who
// come and go, and notes when people were last seen. Safe for concurrent use.
type Presence struct {
	PresenceDeps
	wake chan struct{}

	mu      sync.Mutex
	changed map[chat.UserID]bool // true: is here now. Bounded by the people on the node.

	// What Run alone touches. unrenewed are people who are here and whose lease was not
	// renewed when it was due; leaving are those whose lease could not be ended, since
	// when. Nobody is in both. Who is in leaving is forgotten when the lease has ended by
	// itself, which bounds it by the people who leave within one.
	unrenewed map[chat.UserID]struct{}
	leaving   map[chat.UserID]chat.Time
}

// NewPresence makes the worker; Came and Left may be called before Run.
func NewPresence(d PresenceDeps) *Presence {
	if d.Heard == nil {
		d.Heard = func(chat.UserID) bool { return true }
	}
	return &Presence{
		PresenceDeps: d, wake: make(chan struct{}, 1), changed: make(map[chat.UserID]bool),
		unrenewed: make(map[chat.UserID]struct{}), leaving: make(map[chat.UserID]chat.Time),
	}
}

// Came notes that somebody has a socket on this node now. It does not wait.
func (p *Presence) Came(user chat.UserID) { p.note(user, true) }

// Left notes that somebody has none any more. It does not wait.
func (p *Presence) Left(user chat.UserID) { p.note(user, false) }

func (p *Presence) note(user chat.UserID, here bool) {
	p.mu.Lock()
	p.changed[user] = here
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and then says good-bye for everybody who is here.
func (p *Presence) Run(ctx context.Context) error {
	renew := time.NewTicker(RenewEvery)
	defer renew.Stop()
	owed := time.NewTicker(owedEvery)
	defer owed.Stop()
	for round := 1; ; {
		select {
		case <-ctx.Done():
			p.leaveAll(context.WithoutCancel(ctx))
			return nil
		case <-p.wake:
			p.flush(ctx)
		case <-renew.C:
			p.renew(ctx, round%touchRounds == 0)
			round++
		case <-owed.C:
			p.flush(ctx) // else whoever has come back would be sent away first
			p.makeUp(ctx)
		}
	}
}

// flush tells of those who came and went since the last time.
func (p *Presence) flush(ctx context.Context) {
	p.mu.Lock()
	changed := p.changed
	p.changed = make(map[chat.UserID]bool)
	p.mu.Unlock()
	now := chat.TimeOf(p.Now())
	var came, left []chat.UserID
	for user, here := range changed {
		delete(p.unrenewed, user)
		delete(p.leaving, user)
		if here {
			came = append(came, user)
		} else {
			left = append(left, user)
			p.leaving[user] = now
		}
	}
	p.inBatches(ctx, came, p.come)
	// Noted first: whoever finds the lease ended finds the time as well.
	p.touch(ctx, left, now)
	p.inBatches(ctx, left, p.leave)
}

// makeUp tries again what could not be done.
func (p *Presence) makeUp(ctx context.Context) {
	p.inBatches(ctx, slices.Collect(maps.Keys(p.unrenewed)), p.extend)
	ended := chat.TimeOf(p.Now()) - chat.PresenceLease
	maps.DeleteFunc(p.leaving, func(_ chat.UserID, since chat.Time) bool { return since <= ended })
	p.inBatches(ctx, slices.Collect(maps.Keys(p.leaving)), p.leave)
}

// inBatches does something for many people. No batch waits for Redis for longer
// than writeTimeout.
func (p *Presence) inBatches(ctx context.Context, users []chat.UserID, do func(context.Context, []chat.UserID)) {
	for batch := range slices.Chunk(users, presenceBatch) {
		part, cancel := context.WithTimeout(ctx, writeTimeout)
		do(part, batch)
		cancel()
	}
}

// extend renews the leases of those who are heard; the others' turn comes again.
func (p *Presence) extend(ctx context.Context, users []chat.UserID) {
	heard := make([]chat.UserID, 0, len(users))
	for _, user := range users {
		if p.Heard(user) {
			heard = append(heard, user)
		} else {
			p.unrenewed[user] = struct{}{}
		}
	}
	if len(heard) > 0 {
		p.come(ctx, heard)
	}
}

func (p *Presence) come(ctx context.Context, users []chat.UserID) {
	now := chat.TimeOf(p.Now())
	fresh, err := p.Leases.Renew(ctx, p.Node, users, now)
	for _, user := range users {
		if err == nil {
			delete(p.unrenewed, user)
		} else {
			p.unrenewed[user] = struct{}{}
		}
	}
	if err != nil {
		p.Logger.Warn("renew presence", "people", len(users), "err", err)
		return
	}
	p.tell(ctx, fresh, true, func(chat.UserID) chat.Time { return now })
}

// leave ends the leases of people in leaving, and takes those out for whom it has.
func (p *Presence) leave(ctx context.Context, users []chat.UserID) {
	gone, err := p.Leases.Leave(ctx, p.Node, users, chat.TimeOf(p.Now()))
	if err != nil {
		p.Logger.Warn("end presence", "people", len(users), "err", err)
		return
	}
	p.tell(ctx, gone, false, func(user chat.UserID) chat.Time { return p.leaving[user] })
	for _, user := range users {
		delete(p.leaving, user)
	}
}

// renew extends everybody's lease.
func (p *Presence) renew(ctx context.Context, touch bool) {
	users := p.Local()
	p.inBatches(ctx, users, p.extend)
	if touch {
		p.touch(ctx, users, chat.TimeOf(p.Now()))
	}
}

// leaveAll says good-bye for everybody, once: what fails ends by itself.
func (p *Presence) leaveAll(ctx context.Context) {
	p.inBatches(ctx, slices.Collect(maps.Keys(p.leaving)), p.leave)
	for _, user := range p.Local() {
		p.note(user, false)
	}
	p.flush(ctx)
}

// touch notes when people were seen. It waits for the store for writeTimeout in all:
// leases have to be renewed, and ended, whatever becomes of it.
func (p *Presence) touch(ctx context.Context, users []chat.UserID, now chat.Time) {
	if p.Seen == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var failed error
	for batch := range slices.Chunk(users, presenceBatch) {
		seen := make(map[chat.UserID]chat.Time, len(batch))
		for _, u := range batch {
			seen[u] = now
		}
		if err := p.Seen.TouchSeen(ctx, seen); err != nil {
			failed = err
		}
	}
	if failed != nil {
		p.Logger.Warn("note who was seen", "people", len(users), "err", failed)
	}
}

// tell publishes that people came or went, to those who watch them.
func (p *Presence) tell(ctx context.Context, users []chat.UserID, online bool, at func(chat.UserID) chat.Time) {
	if len(users) == 0 || p.Bus == nil {
		return
	}
	events := make([]chat.Event, 0, len(users))
	for _, u := range users {
		data, err := json.Marshal(struct {
			UserID     chat.UserID `json:"user_id"`
			Online     bool        `json:"online"`
			LastSeenAt chat.Time   `json:"last_seen_at"`
		}{u, online, at(u)})
		if err != nil {
			p.Logger.Error("encode presence", "err", err)
			continue
		}
		events = append(events, chat.Event{Topic: chat.Topic{Kind: chat.TopicPresence, ID: u}, Kind: chat.EventPresence, From: u, Data: data})
	}
	if err := p.Bus.Publish(ctx, events); err != nil {
		p.Logger.Warn("publish presence", "people", len(users), "err", err)
	}
}
