package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/test/fault/history"
)

const (
	feudPause   = time.Second
	longestFeud = 4 * time.Second
	// feudAgain is after what time two people may fall out again of whom nobody knows
	// whether a wish of theirs is still on its way.
	feudAgain = time.Minute
	// typingArrives is how late it may be heard that somebody typed: a connection on which
	// nothing comes is given up before that.
	typingArrives = 20 * time.Second
)

// feud is a block that was acknowledged and that nobody has wished to end yet.
type feud struct {
	cv             *conversation
	blocker, other *person
	begun          time.Time
	mute           bool // nobody typed here shortly before: whatever is heard was typed since
}

// feuds have one person after the other block somebody with whom they have a direct
// conversation, and end that after a while. Whoever writes there meanwhile is refused.
func (c *Crowd) feuds(ctx context.Context) {
	rng := rand.New(rand.NewPCG(c.opt.Seed, 10))
	again := map[*conversation]time.Time{}
	for sleep(ctx, feudPause) == nil {
		cv := c.anyDirect(rng)
		if cv == nil || time.Now().Before(again[cv]) {
			continue
		}
		c.feuding.Add(1) // before the look at acting: see Settle
		if c.acting.Load() && !c.feudIn(ctx, rng, cv) {
			again[cv] = time.Now().Add(feudAgain)
		}
		c.feuding.Add(-1)
	}
}

func (c *Crowd) anyDirect(rng *rand.Rand) *conversation {
	var all []*conversation
	for _, cv := range *c.round.Load() {
		if !cv.group {
			all = append(all, cv)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[rng.IntN(len(all))]
}

// feudIn is one of them. False: some wish had no answer, and may be fulfilled later.
func (c *Crowd) feudIn(ctx context.Context, rng *rand.Rand, cv *conversation) (sure bool) {
	h := c.History()
	f := &feud{cv: cv, blocker: cv.members[0], other: cv.members[1]}
	if rng.IntN(2) == 0 {
		f.blocker, f.other = f.other, f.blocker
	}
	sure = c.wishBlock(ctx, rng, h, c.wish(h, f, true), f)
	if sure {
		f.begun = time.Now()
		f.mute = f.begun.Sub(time.Unix(0, cv.typed.Load())) > typingArrives
		c.feud.Store(f)
		c.stats.Blocks.Add(1)
		c.lookAtBlocker(ctx, rng, h, f)
		f.other.devices[rng.IntN(devicesEach)].types(cv, true)
		f.blocker.devices[rng.IntN(devicesEach)].types(cv, true)
	}
	c.whileActing(ctx, time.Duration(rng.Int64N(int64(longestFeud))))
	c.feud.Store(nil)
	for op := c.wish(h, f, false); !c.wishBlock(ctx, rng, h, op, f); sure = false {
		if sleep(ctx, tick) != nil {
			return false
		}
	}
	return sure
}

// whileActing waits, no longer than devices act.
func (c *Crowd) whileActing(ctx context.Context, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && c.acting.Load(); {
		if sleep(ctx, tick/2) != nil {
			return
		}
	}
}

// wish records that a block, or its end, is about to be asked for.
func (c *Crowd) wish(h *history.History, f *feud, on bool) *history.Op {
	op := &history.Op{Verb: history.Block, Conversation: f.cv.id, User: f.blocker.login.User.ID, Device: f.blocker.devices[0].n, On: on}
	h.Begin(op)
	return op
}

// wishBlock begins or ends a block, and reports whether that was acknowledged.
func (c *Crowd) wishBlock(ctx context.Context, rng *rand.Rand, h *history.History, op *history.Op, f *feud) bool {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	method := http.MethodDelete
	if op.On {
		method = http.MethodPut
	}
	err := c.api(rng).As(f.blocker.login).Do(ctx, method, "/blocks/"+f.other.login.User.ID, nil, nil)
	switch {
	case err == nil:
		h.Ack(op, nil)
	case program.Status(err) != http.StatusTooManyRequests: // a limit comes before anything is done
		h.InDoubt(op, true)
	}
	return err == nil
}

// lookAtBlocker looks whether somebody who is blocked is told that the blocker is online.
func (c *Crowd) lookAtBlocker(ctx context.Context, rng *rand.Rand, h *history.History, f *feud) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	socket, err := client.Dial(ctx, c.opt.Node(rng), client.Options{Auth: map[string]string{"token": f.other.login.Token}})
	if err != nil {
		return // the next feud looks again
	}
	defer func() { _ = socket.Drop() }() // it was asked what it was for
	m, err := socket.Call(ctx, "presence.watch", map[string]any{"user_ids": []string{f.blocker.login.User.ID}})
	a, err := readAnswer(m, err)
	if err != nil || !a.OK {
		return
	}
	c.stats.Hidden.Add(int64(len(a.Data.Presence)))
	for _, p := range a.Data.Presence {
		if p.Online {
			h.Note("late-revoke", f.cv.id, fmt.Sprintf("%s is shown online to %s, whom they blocked %s ago",
				p.UserID, f.other.login.User.ID, time.Since(f.begun).Round(tick)))
		}
	}
}

// types tells that somebody types, or does so no longer.
func (d *device) types(cv *conversation, on bool) {
	cv.typed.Store(time.Now().UnixNano())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line != nil {
		d.call(d.line, "typing", map[string]any{"conversation_id": cv.id, "on": on}, func(answer, error) {})
	}
}

// heardTyping looks whether a device may be told that somebody types.
func (d *device) heardTyping(conversation, user string) {
	f := d.crowd.feud.Load()
	if f == nil || f.cv.id != conversation || !f.mute || user == d.me() {
		return
	}
	d.crowd.History().Note("late-revoke", conversation, fmt.Sprintf("%s is heard typing %s after %s blocked %s",
		user, time.Since(f.begun).Round(tick), f.blocker.login.User.ID, f.other.login.User.ID))
}
