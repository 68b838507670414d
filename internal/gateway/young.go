package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// soonAge and lateAge are when what was read of the store at first is compared
	// with it again: by then it has what was told in between.
	soonAge = 200 * time.Millisecond
	lateAge = 2 * time.Second
	// retrySpread is the time over which reading that failed is tried again.
	retrySpread = 5 * time.Second
)

// young holds conversations that are heard, and people who are here, since a
// moment ago, where entries are told before they are stored. What was told before they
// were heard of here, and stored after they were read, is in neither: it is found when
// they are read again. The lists are bounded by what comes in within their ages.
type young struct {
	mu    sync.Mutex
	rooms []youngRooms
	users []youngUser
}

type youngRooms struct {
	ids  []chat.ConversationID
	due  time.Time
	last bool // there is no further time
}

type youngUser struct {
	user *user
	due  time.Time
	last bool
}

func (y *young) addRooms(r youngRooms) {
	if len(r.ids) == 0 {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.rooms = append(y.rooms, r)
}

func (y *young) addUser(u youngUser) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.users = append(y.users, u)
}

// grown takes out what is due.
func (y *young) grown(now time.Time) (rooms []youngRooms, users []youngUser) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.rooms = slices.DeleteFunc(y.rooms, func(r youngRooms) bool {
		if now.Before(r.due) {
			return false
		}
		rooms = append(rooms, r)
		return true
	})
	y.users = slices.DeleteFunc(y.users, func(u youngUser) bool {
		if now.Before(u.due) {
			return false
		}
		users = append(users, u)
		return true
	})
	if len(y.users) == 0 && len(y.rooms) == 0 {
		y.users, y.rooms = nil, nil // a storm is over
	}
	return rooms, users
}

// settle has what is due compared with the store. What cannot be now is due again.
func (g *Gateway) settle(now time.Time) {
	rooms, users := g.young.grown(now)
	for _, r := range rooms {
		if !g.later(func(ctx context.Context) { g.settleRooms(ctx, r) }) {
			g.young.addRooms(youngRooms{r.ids, now.Add(lateAge), r.last})
		}
	}
	for _, u := range users {
		if !g.later(func(ctx context.Context) { g.settleUser(ctx, u) }) {
			g.young.addUser(youngUser{u.user, now.Add(lateAge), u.last})
		}
	}
}

func (g *Gateway) settleRooms(ctx context.Context, r youngRooms) {
	err := g.lookAt(ctx, r.ids)
	if err == nil && r.last || ctx.Err() != nil {
		return
	}
	if err != nil {
		g.opt.Logger.Warn("compare heads of new rooms", "err", err)
	}
	g.young.addRooms(youngRooms{r.ids, g.opt.Now().Add(lateAge), err == nil})
}

func (g *Gateway) settleUser(ctx context.Context, y youngUser) {
	u := y.user
	if u.gone() {
		return
	}
	err := g.reload(ctx, u)
	var behind map[chat.ConversationID]chat.Seq
	if err == nil {
		behind, err = g.unstored(ctx, u)
	}
	switch {
	case err != nil && !errors.Is(err, errStale):
		g.againLater(ctx, u, err)
	case err != nil || len(behind) > 0 || !y.last:
		g.young.addUser(youngUser{u, g.opt.Now().Add(lateAge), err == nil && len(behind) == 0})
	}
}

// againLater has memberships read again that could not be: not all of them at
// once as soon as the store can be reached again.
func (g *Gateway) againLater(ctx context.Context, u *user, err error) {
	if ctx.Err() != nil {
		return
	}
	g.opt.Logger.Warn("read memberships again", "user", u.id, "err", err)
	after := lateAge + rand.N(retrySpread) //nolint:gosec // spreading needs no secrecy
	g.young.addUser(youngUser{u, g.opt.Now().Add(after), true})
}
