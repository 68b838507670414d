package call

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// known is a conversation whose call this node follows: because somebody of it is here.
type known struct {
	state State
	// bound are the devices in the call whose sockets are here.
	bound map[chat.DeviceID]struct{}
	// removed are people who are no members any more and may still be in the call.
	removed []chat.UserID
	// left are devices that leave for good and may still be in the call.
	left []chat.DeviceID
	// told is the version of the call that this node's sockets were told of.
	told int64
	// due is when to look at the board next, logDue when to tell the log what is owed to it.
	due, logDue chat.Time
	logTries    int
	// looking and logging say that somebody is at it.
	looking, logging bool
}

const (
	// renewal is how often a node looks at each call that it follows.
	renewal = chat.Time(chat.CallRenewal / time.Millisecond)
	// later is what nodes without a socket in a call leave to those with one.
	later = 1_000
	// soonest is the least time between two looks.
	soonest = 200
	// lingers is how long a call that has ended is remembered, so that no board that
	// forgot it brings it back to life.
	lingers = 2 * 60_000
	// othersLog is after what time a node notes a call that another one ended.
	othersLog = 5_000
	// logPause is the first pause after the log failed; it doubles up to logMaxPause.
	logPause    chat.Time = 500
	logMaxPause chat.Time = 30_000
	// logGivesUp is after what time a call stays out of the log: it would be a surprise by then.
	logGivesUp = 24 * 3600_000
)

// merged is what is true, as far as this node and the board know.
func (c *Coordinator) merged(id chat.ConversationID, board State) State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.known[id]; k != nil {
		return merge(k.state, board, c.now())
	}
	return board
}

// learn remembers what is true now.
func (c *Coordinator) learn(id chat.ConversationID, s State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[id]
	if k == nil {
		if s.none() || s.over() && len(s.Owed) == 0 {
			return
		}
		if k = c.follow(id); k == nil {
			return
		}
	}
	if k.state.Call.ID != s.Call.ID {
		k.told, k.bound, k.removed, k.left = 0, nil, nil, nil
	} else if s.Call.Version < k.state.Call.Version {
		return // read before what is known was heard
	}
	k.state = s.clone()
	k.removed = slices.DeleteFunc(k.removed, func(u chat.UserID) bool { return k.state.seatOf(u) < 0 && !slices.Contains(s.Call.Ringing, u) })
	k.left = slices.DeleteFunc(k.left, func(d chat.DeviceID) bool { return k.state.seat(d) < 0 })
	k.plan(c.now())
}

// follow makes a known; nil when there are too many. mu is held.
func (c *Coordinator) follow(id chat.ConversationID) *known {
	if len(c.known) >= maxKnown {
		c.stats.notFollowed.Add(1)
		return nil
	}
	k := &known{}
	c.known[id] = k
	return k
}

// plan sets when to look next. The coordinator's mu is held.
func (k *known) plan(now chat.Time) {
	for device := range k.bound {
		if k.state.seat(device) < 0 {
			delete(k.bound, device)
		}
	}
	due := now + renewal
	slack := chat.Time(later)
	if len(k.bound) > 0 {
		slack = 0
	}
	if !k.state.over() {
		if len(k.state.Call.Ringing) > 0 {
			due = min(due, k.state.RingsUntil+slack)
		}
		for device, until := range k.state.Leases {
			if _, here := k.bound[device]; !here {
				due = min(due, until+later)
			}
		}
	}
	if len(k.removed) > 0 || len(k.left) > 0 {
		due = now
	}
	k.due = max(due, now+soonest)
	if len(k.state.Owed) > 0 && k.logDue == 0 {
		k.logDue = now + othersLog
	}
}

// Heard takes note of a call that the bus, or Deliver, told of, and reports whether
// this node's sockets are to be told: whether it is news to them. It does not block.
func (c *Coordinator) Heard(call *chat.Call) (news bool) {
	if c.d.Bell != nil {
		c.d.Bell.Heard(*call)
	}
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[call.ConversationID]
	if k == nil {
		if call.State == chat.CallEnded {
			return true
		}
		if k = c.follow(call.ConversationID); k == nil {
			return true
		}
	}
	if k.state.Call.ID != call.ID {
		if !k.state.none() && call.StartedAt < k.state.Call.StartedAt {
			return true // an older one
		}
		k.state = State{RingsUntil: call.StartedAt + rings, Owed: k.state.Owed, Noted: k.state.Noted}
		k.told, k.bound, k.removed, k.left = 0, nil, nil, nil
	} else if call.Version <= k.state.Call.Version {
		news = call.Version > k.told
		k.told = max(k.told, call.Version)
		return news
	}
	k.state.Call = *call
	k.state = k.state.clone() // shares nothing with the caller
	k.told = max(k.told, call.Version)
	k.plan(now)
	k.due = min(k.due, now+soonest) // to learn what the bus does not tell
	return true
}

// Bind says that the socket of a device in a call is on this node: it will be kept in
// the call. Release says that it is there no more.
func (c *Coordinator) Bind(id chat.ConversationID, call chat.CallID, device chat.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[id]
	if k == nil || k.state.Call.ID != call || k.state.over() {
		return
	}
	if k.bound == nil {
		k.bound = make(map[chat.DeviceID]struct{})
	}
	k.bound[device] = struct{}{}
	k.plan(c.now())
}

// Release ends what Bind said. Who does not come back leaves when their lease ends.
func (c *Coordinator) Release(id chat.ConversationID, call chat.CallID, device chat.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.known[id]; k != nil && k.state.Call.ID == call {
		delete(k.bound, device)
		k.plan(c.now())
	}
}

// Leave says that a device is in a call no more: its session has ended, so that it
// cannot come back. It does not block.
func (c *Coordinator) Leave(id chat.ConversationID, call chat.CallID, device chat.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[id]
	if k == nil || k.state.Call.ID != call || k.state.over() {
		return
	}
	delete(k.bound, device)
	if !slices.Contains(k.left, device) {
		k.left = append(k.left, device)
	}
	k.due = c.now()
	c.ring()
}

// Removed says that people are no members of a conversation any more, or of a direct
// one that they have blocked the other: they leave its call. It does not block.
func (c *Coordinator) Removed(id chat.ConversationID, users []chat.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[id]
	if k == nil || k.state.over() {
		return
	}
	for _, u := range users {
		if !slices.Contains(k.removed, u) && (k.state.seatOf(u) >= 0 || slices.Contains(k.state.Call.Ringing, u)) {
			k.removed = append(k.removed, u)
		}
	}
	if len(k.removed) > 0 {
		k.due = c.now()
		c.ring()
	}
}

// ring has Run look at once.
func (c *Coordinator) ring() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// logSoon has this node tell the log, at once.
func (c *Coordinator) logSoon(id chat.ConversationID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.known[id]; k != nil {
		k.logDue = c.now()
		c.ring()
	}
}

const (
	// lookers bounds the calls that are looked at at once, loggers those of which the
	// log is told: it may be slow, and no lease is to wait for it.
	lookers = 16
	loggers = 4
	tick    = 250 * time.Millisecond
)

// Run keeps the calls that this node follows true until ctx ends. Calls in which its
// sockets are go on after that: their clients come back elsewhere.
func (c *Coordinator) Run(ctx context.Context) error {
	looks, logs := make(chan chat.ConversationID), make(chan chat.ConversationID)
	var all sync.WaitGroup
	serve := func(ids <-chan chat.ConversationID, do func(context.Context, chat.ConversationID)) {
		all.Go(func() {
			for id := range ids {
				do(ctx, id)
			}
		})
	}
	for range lookers {
		serve(looks, c.look)
	}
	for range loggers {
		serve(logs, c.log)
	}
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for ctx.Err() == nil {
		for _, id := range c.logsDue() {
			select {
			case logs <- id:
			default: // all are busy: it stays due
				c.logged(id)
			}
		}
		for _, id := range c.looksDue() {
			looks <- id
		}
		select {
		case <-ctx.Done():
		case <-ticks.C:
		case <-c.wake:
		}
	}
	close(looks)
	close(logs)
	all.Wait()
	return nil
}

// Tick does everything that is due once, one after the other.
func (c *Coordinator) Tick(ctx context.Context) {
	for _, id := range c.looksDue() {
		c.look(ctx, id)
	}
	for _, id := range c.logsDue() {
		c.log(ctx, id)
	}
}

// looksDue takes those that are to be looked at; whoever gets one looks.
func (c *Coordinator) looksDue() []chat.ConversationID {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []chat.ConversationID
	for id, k := range c.known {
		if !k.looking && k.due <= now {
			k.looking = true
			ids = append(ids, id)
		}
	}
	return ids
}

// logsDue takes those of which the log is to be told.
func (c *Coordinator) logsDue() []chat.ConversationID {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []chat.ConversationID
	for id, k := range c.known {
		if !k.logging && k.logDue != 0 && k.logDue <= now {
			k.logging = true
			ids = append(ids, id)
		}
	}
	return ids
}

// look renews the leases of who is here, ends what is due, and learns what is true.
func (c *Coordinator) look(ctx context.Context, id chat.ConversationID) {
	now := c.now()
	c.mu.Lock()
	k := c.known[id]
	a := Action{Verb: Keep, Conversation: id, CallID: k.state.Call.ID, Users: slices.Clone(k.removed), Left: slices.Clone(k.left)}
	for device := range k.bound {
		a.Devices = append(a.Devices, device)
	}
	// Nobody could renew while the board was away: they get the time to do it.
	a.Lenient = now-chat.Time(c.troubled.Load()) < grace
	wasOver := k.state.over()
	k.due = now + renewal // whatever comes of it
	c.mu.Unlock()

	s, err := c.change(ctx, a)
	switch {
	case err == nil:
		if last := s.Last; last != nil && last.ID == a.CallID && !wasOver {
			c.deliver(*last)
		}
		c.catchUp(id, &s)
	case ctx.Err() == nil:
		c.d.Logger.Warn("look after a call", "conversation", id, "err", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k.looking = false
	if err != nil && len(k.removed)+len(k.left) > 0 {
		k.due = c.now() + later // they are not to stay for as long as others may
	}
	c.forget(id, k)
}

// catchUp tells this node's sockets of what the bus did not bring.
func (c *Coordinator) catchUp(id chat.ConversationID, s *State) {
	c.mu.Lock()
	k := c.known[id]
	missed := k != nil && k.state.Call.ID == s.Call.ID && k.told < s.Call.Version
	c.mu.Unlock()
	if missed {
		c.deliver(s.Call)
	}
}

// deliver tells this node's sockets of a call.
func (c *Coordinator) deliver(call chat.Call) {
	ev, err := event(call)
	if err != nil {
		c.d.Logger.Error("tell of a call", "call", call.ID, "err", err)
		return
	}
	c.d.Deliver([]chat.Event{ev})
}

// forget drops a call that is over and that nothing is to be done for. mu is held.
func (c *Coordinator) forget(id chat.ConversationID, k *known) {
	if !k.looking && !k.logging && k.state.over() && len(k.state.Owed) == 0 && c.now() >= k.state.Call.EndedAt+lingers {
		delete(c.known, id)
	}
}

// log tells the log of the calls that are owed to it.
func (c *Coordinator) log(ctx context.Context, id chat.ConversationID) {
	c.mu.Lock()
	owed := slices.Clone(c.known[id].state.Owed)
	c.mu.Unlock()
	var failed error
	for _, e := range owed {
		if err := c.logOne(ctx, e); err != nil {
			failed = err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[id]
	k.logging = false
	switch {
	case failed != nil:
		k.logDue = c.now() + min(logPause<<k.logTries, logMaxPause)
		k.logTries = min(k.logTries+1, 10)
	case len(k.state.Owed) == 0:
		k.logDue, k.logTries = 0, 0
	default:
		k.logDue, k.logTries = c.now()+logPause, 0
	}
	c.forget(id, k)
}

// logged gives one back that logsDue took.
func (c *Coordinator) logged(id chat.ConversationID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[id].logging = false
}

func (c *Coordinator) logOne(ctx context.Context, e Ended) error {
	err := c.d.Log.LogCall(ctx, e)
	if err != nil {
		if !final(err) && c.now() < e.Call.EndedAt+logGivesUp {
			c.stats.logFailures.Add(1)
			c.d.Logger.Warn("note a call in the log", "call", e.Call.ID, "err", err)
			return err //nolint:wrapcheck // logged; tells only that there was one
		}
		c.d.Logger.Warn("a call stays out of the log", "call", e.Call.ID, "err", err)
	}
	_, err = c.change(ctx, Action{Verb: Logged, Conversation: e.Call.ConversationID, CallID: e.Call.ID})
	return err
}

// final reports that the log will never take a call: its caller is no member any
// more, or the conversation takes none.
func final(err error) bool {
	for _, refused := range []*chat.Error{chat.ErrNotFound, chat.ErrForbidden, chat.ErrInvalid, chat.ErrTooLarge, chat.ErrConflict} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}
