package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// RenewEvery is how often leases are renewed; they last 60 s.
	RenewEvery = 20 * time.Second
	// touchRounds is after how many renewals the store is told who is online, for
	// the case that this node dies without saying so.
	touchRounds = 15
	// presenceBatch bounds the people of one question.
	presenceBatch = 1_000
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
	Local  func() []chat.UserID
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
}

// NewPresence makes the worker; Came and Left may be called before Run.
func NewPresence(d PresenceDeps) *Presence {
	return &Presence{PresenceDeps: d, wake: make(chan struct{}, 1), changed: make(map[chat.UserID]bool)}
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
		}
	}
}

// flush tells of those who came and went since the last time.
func (p *Presence) flush(ctx context.Context) {
	p.mu.Lock()
	changed := p.changed
	p.changed = make(map[chat.UserID]bool)
	p.mu.Unlock()
	var came, left []chat.UserID
	for user, here := range changed {
		if here {
			came = append(came, user)
		} else {
			left = append(left, user)
		}
	}
	p.inBatches(ctx, came, p.come)
	p.inBatches(ctx, left, p.leave)
}

func (p *Presence) inBatches(ctx context.Context, users []chat.UserID, do func(context.Context, []chat.UserID)) {
	for len(users) > 0 {
		n := min(len(users), presenceBatch)
		do(ctx, users[:n])
		users = users[n:]
	}
}

func (p *Presence) come(ctx context.Context, users []chat.UserID) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	now := chat.TimeOf(p.Now())
	fresh, err := p.Leases.Renew(ctx, p.Node, users, now)
	if err != nil {
		p.Logger.Warn("renew presence", "people", len(users), "err", err) // the next renewal makes up for it
		return
	}
	p.tell(ctx, fresh, true, now)
}

func (p *Presence) leave(ctx context.Context, users []chat.UserID) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	now := chat.TimeOf(p.Now())
	// Noted first: whoever finds the lease ended finds the time as well.
	p.touch(ctx, users, now)
	gone, err := p.Leases.Leave(ctx, p.Node, users, now)
	if err != nil {
		p.Logger.Warn("end presence", "people", len(users), "err", err) // their leases end by themselves
		return
	}
	p.tell(ctx, gone, false, now)
}

// renew extends everybody's lease.
func (p *Presence) renew(ctx context.Context, touch bool) {
	p.inBatches(ctx, p.Local(), func(ctx context.Context, users []chat.UserID) {
		p.come(ctx, users)
		if touch {
			p.touch(ctx, users, chat.TimeOf(p.Now()))
		}
	})
}

func (p *Presence) leaveAll(ctx context.Context) {
	p.flush(ctx)
	p.inBatches(ctx, p.Local(), p.leave)
}

func (p *Presence) touch(ctx context.Context, users []chat.UserID, now chat.Time) {
	if len(users) == 0 || p.Seen == nil {
		return
	}
	seen := make(map[chat.UserID]chat.Time, len(users))
	for _, u := range users {
		seen[u] = now
	}
	if err := p.Seen.TouchSeen(ctx, seen); err != nil {
		p.Logger.Warn("note who was seen", "people", len(users), "err", err)
	}
}

// tell publishes that people came or went, to those who watch them.
func (p *Presence) tell(ctx context.Context, users []chat.UserID, online bool, now chat.Time) {
	if len(users) == 0 || p.Bus == nil {
		return
	}
	events := make([]chat.Event, 0, len(users))
	for _, u := range users {
		data, err := json.Marshal(struct {
			UserID     chat.UserID `json:"user_id"`
			Online     bool        `json:"online"`
			LastSeenAt chat.Time   `json:"last_seen_at"`
		}{u, online, now})
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
