package crowd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

const (
	guestPause = 4 * time.Second
	// A revoked session ends within revokePromise; where a fault was at work the
	// event may be lost, and the node looks by itself every half minute.
	revokePromise = 2 * time.Second
	revokeLookup  = 45 * time.Second
	// goneForLong is when a person whose clients are dead must not be shown online.
	goneForLong = 90 * time.Second
)

// Storm says whether a fault window is open.
func (c *Crowd) Storm(open bool) {
	if open {
		c.calm.Store(0)
	} else {
		c.calm.Store(time.Now().UnixNano())
	}
}

// calmSince reports whether no fault was at work from a moment on.
func (c *Crowd) calmSince(t time.Time) bool {
	since := c.calm.Load()
	return since != 0 && t.UnixNano() > since
}

// guests log in, connect, and have their sessions revoked from elsewhere, one after
// the other.
func (c *Crowd) guests(ctx context.Context) {
	rng := rand.New(rand.NewPCG(c.opt.Seed, 8))
	for sleep(ctx, guestPause) == nil {
		if !c.acting.Load() {
			continue
		}
		if err := c.guest(ctx, rng); err == nil {
			c.stats.Revoked.Add(1)
		}
	}
}

// guest is one of them. An error says that it did not come to a verdict.
func (c *Crowd) guest(ctx context.Context, rng *rand.Rand) error {
	// Not of those who vanish: where a guest's node dies, the guest is shown online for
	// as long as a lease lasts.
	p := c.people[ghostPeople+rng.IntN(len(c.people)-ghostPeople)]
	var login program.Login
	err := c.api(rng).Do(ctx, http.MethodPost, "/auth/login", map[string]string{"username": p.login.User.Username, "password": password}, &login)
	if err != nil {
		return err //nolint:wrapcheck // says all
	}
	var sessions struct {
		Items []struct {
			ID      string `json:"id"`
			Current bool   `json:"current"`
		} `json:"items"`
	}
	if err := c.api(rng).As(login).Do(ctx, http.MethodGet, "/sessions", nil, &sessions); err != nil {
		return err //nolint:wrapcheck // says all
	}
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	socket, err := client.Dial(dialing, c.opt.Node(rng), client.Options{Auth: map[string]string{"token": login.Token}})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = socket.Drop() }() // ended, or to be
	begun := time.Now()
	for _, s := range sessions.Items {
		if !s.Current {
			continue
		}
		if err := c.api(rng).As(p.login).Do(ctx, http.MethodDelete, "/sessions/"+s.ID, nil, nil); err != nil {
			return err //nolint:wrapcheck // says all
		}
		return c.revoked(ctx, rng, socket, login, begun)
	}
	return errors.New("no current session")
}

// revoked waits until a socket of a revoked session is closed and none is opened any more.
func (c *Crowd) revoked(ctx context.Context, rng *rand.Rand, socket *client.Client, login program.Login, begun time.Time) error {
	since := time.Now()
	late := func() bool {
		limit := revokeLookup
		if c.calmSince(begun.Add(-revokePromise)) {
			limit = revokePromise
		}
		return float64(time.Since(since)) > float64(limit)*c.opt.Patience
	}
	for {
		select {
		case <-socket.Done():
			return c.refusedFor(ctx, rng, login, late)
		case <-ctx.Done():
			return errStopped
		case <-time.After(tick):
		}
		if late() {
			c.History().Note("late-revoke", "", fmt.Sprintf("a socket of %s lives %s after its session was revoked", login.User.ID, time.Since(since).Round(tick)))
			return nil
		}
	}
}

func (c *Crowd) refusedFor(ctx context.Context, rng *rand.Rand, login program.Login, late func() bool) error {
	for {
		dialing, cancel := context.WithTimeout(ctx, dialTimeout)
		socket, err := client.Dial(dialing, c.opt.Node(rng), client.Options{Auth: map[string]string{"token": login.Token}})
		cancel()
		var refused *client.ConnectError
		switch {
		case errors.As(err, &refused):
			return nil
		case err == nil:
			_ = socket.Drop() // it should not be
			if late() {
				c.History().Note("late-revoke", "", fmt.Sprintf("a revoked session of %s opened a socket", login.User.ID))
				return nil
			}
		}
		if sleep(ctx, tick) != nil {
			return errStopped
		}
	}
}

// vanish has the first people of the crowd disappear behind half-open links.
func (c *Crowd) vanish() {
	c.vanished = time.Now()
	for _, d := range c.ghosts() {
		d.link.Set(deadLink, deadLink)
	}
}

func (c *Crowd) ghosts() []*device { return c.all[:ghostPeople*devicesEach] }

// Return looks whether those who vanished long ago are shown online, and brings them back.
func (c *Crowd) Return(ctx context.Context) {
	if time.Since(c.vanished) > goneForLong {
		c.lookForGhosts(ctx)
	}
	for _, d := range c.ghosts() {
		d.link.Heal()
		d.link.Reset()
	}
}

func (c *Crowd) lookForGhosts(ctx context.Context) {
	rng := rand.New(rand.NewPCG(c.opt.Seed, 9))
	watcher := c.people[len(c.people)-1]
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	socket, err := client.Dial(dialing, c.opt.Node(rng), client.Options{Auth: map[string]string{"token": watcher.login.Token}})
	if err != nil {
		return // the next round looks again
	}
	defer func() { _ = socket.Drop() }() // it was asked what it was for
	var ids []string
	for _, p := range c.people[:ghostPeople] {
		ids = append(ids, p.login.User.ID)
	}
	m, err := socket.Call(dialing, "presence.watch", map[string]any{"user_ids": ids})
	a, err := readAnswer(m, err)
	if err != nil || !a.OK {
		return
	}
	c.stats.Ghosts.Add(int64(len(a.Data.Presence)))
	for _, p := range a.Data.Presence {
		if p.Online {
			c.History().Note("ghost", "", fmt.Sprintf("%s is shown online %s after the last sign of life", p.UserID, time.Since(c.vanished).Round(time.Second)))
		}
	}
}
