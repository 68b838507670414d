package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/call"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// Calls keeps the calls of all nodes true; *call.Coordinator is one. Safe for
// concurrent use.
type Calls interface {
	Do(ctx context.Context, a call.Action) (chat.Call, error)
	List(ctx context.Context, user chat.UserID) ([]chat.Call, error)
	Route(ctx context.Context, from call.Action, to chat.DeviceID) (chat.UserID, error)
	// These do not wait.
	Heard(c *chat.Call) (news bool)
	Bind(id chat.ConversationID, c chat.CallID, device chat.DeviceID)
	Release(id chat.ConversationID, c chat.CallID, device chat.DeviceID)
	Leave(id chat.ConversationID, c chat.CallID, device chat.DeviceID)
	Removed(id chat.ConversationID, users []chat.UserID)
}

// caller is what a socket needs once it has to do with calls. The bucket belongs to
// its event handlers.
type caller struct {
	signals bucket
	lane    lane // calls and signals of a socket keep their order
}

// calls gives caller, made when first needed. Only event handlers call it.
func (c *conn) calls() *caller {
	m := c.extra()
	if m.caller == nil {
		m.caller = &caller{}
	}
	return m.caller
}

const (
	signalsPerSecond = 30
	signalBurst      = 100
)

// errCallsOff answers where a node was made without calls.
var errCallsOff = &chat.Error{Code: chat.CodeUnavailable, Reason: "calls_off", Message: "Calls are switched off on this server."}

// inCall does something with a conversation's call, for a member, after what the
// socket asked of calls before.
func (g *Gateway) inCall(c *conn, a call.Action, r reply, job func(context.Context)) {
	calls := c.calls()
	switch {
	case a.CallID.IsZero():
		r.fail(chat.Invalid("call_id", "is missing"))
		return
	case a.DeviceID.IsZero():
		r.fail(chat.Invalid("device_id", "is missing"))
		return
	}
	g.asMember(c, a.Conversation, r, func() {
		if g.ports.Calls == nil {
			r.fail(errCallsOff)
			return
		}
		if !calls.lane.add(g, r.guarded(job)) {
			r.fail(chat.ErrOverloaded)
		}
	})
}

func (g *Gateway) callStart(c *conn, p wire.CallStart, r reply) {
	a := call.Action{
		Verb: call.Start, Conversation: p.ConversationID, CallID: p.CallID, UserID: c.user.id, DeviceID: p.DeviceID, Video: p.Video,
	}
	g.inCall(c, a, r, func(ctx context.Context) {
		room, err := g.ports.Service.Calling(ctx, c.user.id, a.Conversation)
		if err != nil {
			r.fail(err)
			return
		}
		a.Direct, a.Members, a.Spared = room.Direct, room.Members, room.Spared
		g.joinCall(ctx, c, a, r)
		// A block that came between the look and the call found none to end.
		if room.Direct && errors.Is(g.ports.Service.MayCall(ctx, c.user.id, a.Conversation), chat.ErrForbidden) {
			g.ports.Calls.Removed(a.Conversation, []chat.UserID{c.user.id})
		}
	})
}

func (g *Gateway) callAnswer(c *conn, p wire.CallAnswer, r reply) {
	a := call.Action{
		Verb: call.Answer, Conversation: p.ConversationID, CallID: p.CallID, UserID: c.user.id, DeviceID: p.DeviceID,
		Video: p.Video, Busy: p.Busy,
	}
	switch {
	case p.Accept && p.Busy:
		r.fail(chat.Invalid("busy", "is for who declines"))
		return
	case !p.Accept:
		a.Verb = call.Decline
	}
	g.inCall(c, a, r, func(ctx context.Context) { g.joinCall(ctx, c, a, r) })
}

// joinCall starts, answers or declines. A device that is in the call then hears signals
// on this socket from now on, and learns how to find the others.
func (g *Gateway) joinCall(ctx context.Context, c *conn, a call.Action, r reply) {
	now, err := g.ports.Calls.Do(ctx, a)
	if err != nil {
		r.fail(err)
		return
	}
	answer := wire.CallJoined{Call: now}
	if a.Verb != call.Decline && slices.ContainsFunc(now.Participants, func(p chat.CallPresent) bool {
		return p.UserID == a.UserID && p.DeviceID == a.DeviceID
	}) {
		g.sit(c, seat{a.Conversation, now.ID, a.DeviceID})
		answer.ICE = g.opt.ICE(c.user.id)
	}
	r.data(answer)
}

func (g *Gateway) callUpdate(c *conn, p wire.CallUpdate, r reply) {
	a := call.Action{
		Verb: call.Update, Conversation: p.ConversationID, CallID: p.CallID, UserID: c.user.id, DeviceID: p.DeviceID, Video: p.Video,
	}
	g.inCall(c, a, r, func(ctx context.Context) { g.changeCall(ctx, a, r) })
}

func (g *Gateway) callEnd(c *conn, p wire.CallEnd, r reply) {
	a := call.Action{Verb: call.End, Conversation: p.ConversationID, CallID: p.CallID, UserID: c.user.id, DeviceID: p.DeviceID}
	g.inCall(c, a, r, func(ctx context.Context) {
		if g.changeCall(ctx, a, r) {
			g.rise(c, func(s seat) bool { return s == seat{a.Conversation, a.CallID, a.DeviceID} })
		}
	})
}

func (g *Gateway) changeCall(ctx context.Context, a call.Action, r reply) (done bool) {
	now, err := g.ports.Calls.Do(ctx, a)
	if err != nil {
		r.fail(err)
		return false
	}
	r.data(wire.CallChanged{Call: now})
	return true
}

func (g *Gateway) callList(c *conn, _ wire.Empty, r reply) {
	if err := g.allow(c); err != nil {
		r.fail(err)
		return
	}
	if g.ports.Calls == nil {
		r.data(wire.CallsAnswer{Calls: []chat.Call{}})
		return
	}
	g.wait(c, r, func(ctx context.Context) {
		calls, err := g.ports.Calls.List(ctx, c.user.id)
		if err != nil {
			r.fail(err)
			return
		}
		// The board remembers who was called; who may know of it is asked here.
		calls = slices.DeleteFunc(calls, func(now chat.Call) bool { return c.user.room(now.ConversationID) == nil })
		r.data(wire.CallsAnswer{Calls: calls})
	})
}

// callSignal takes something to the one socket of another device in the call, wherever
// that is.
func (g *Gateway) callSignal(c *conn, p wire.CallSignal, r reply) {
	// What is refused counts too: to look at it costs something.
	if wait := c.calls().signals.take(g.opt.Now(), signalsPerSecond, signalBurst); wait > 0 {
		e := *chat.ErrRateLimited
		e.RetryAfter = max(wait, time.Millisecond)
		r.fail(&e)
		return
	}
	if err := wire.CheckSignal(p.Signal); err != nil {
		r.fail(err)
		return
	}
	if p.To.IsZero() {
		r.fail(chat.Invalid("to", "is missing"))
		return
	}
	a := call.Action{Conversation: p.ConversationID, CallID: p.CallID, UserID: c.user.id, DeviceID: p.DeviceID}
	g.inCall(c, a, r, func(ctx context.Context) {
		to, err := g.ports.Calls.Route(ctx, a, p.To)
		if err != nil {
			r.fail(err)
			return
		}
		data, err := json.Marshal(wire.CallSignalled{
			ConversationID: p.ConversationID, CallID: p.CallID, From: p.DeviceID, UserID: c.user.id, To: p.To, Signal: p.Signal,
		})
		if err != nil {
			r.fail(err)
			return
		}
		ev := chat.Event{Topic: chat.Topic{Kind: chat.TopicUser, ID: to}, Kind: chat.EventCallSignal, Data: data}
		if err := g.ports.Bus.Publish(ctx, []chat.Event{ev}); err != nil {
			g.opt.Logger.Warn("publish a signal", "err", err)
			r.fail(chat.ErrUnavailable)
			return
		}
		g.stats.signals.Add(1)
		r.data(wire.Empty{})
	})
}

// signalEvent gives a signal to the socket of the device that it is for, if that is
// here and its person may still know of the call.
func (g *Gateway) signalEvent(u *user, ev *chat.Event) {
	var to struct {
		ConversationID chat.ConversationID `json:"conversation_id"`
		CallID         chat.CallID         `json:"call_id"`
		To             chat.DeviceID       `json:"to"`
	}
	if err := json.Unmarshal(ev.Data, &to); err != nil {
		g.opt.Logger.Error("decode a signal", "user", u.id, "err", err)
		return
	}
	c := g.seats.at(seat{to.ConversationID, to.CallID, to.To})
	if c == nil || c.user != u || u.room(to.ConversationID) == nil {
		return
	}
	c.send(g.frame(wire.EventCallSignal, ev.Data))
	g.stats.eventsOut.Add(1)
}

// callEvent tells the members of a conversation what has become of its call, except
// the socket that began it of its ringing.
func (g *Gateway) callEvent(r *room, ev *chat.Event) {
	var told wire.CallChanged
	if err := json.Unmarshal(ev.Data, &told); err != nil {
		g.opt.Logger.Error("decode a call", "conversation", r.id, "err", err)
		return
	}
	now := &told.Call
	if g.ports.Calls != nil && !g.ports.Calls.Heard(now) {
		return
	}
	name := wire.EventCallAnswered
	var not *conn
	switch {
	case now.State == chat.CallEnded:
		name = wire.EventCallEnded
		g.seats.end(ofCall{now.ConversationID, now.ID})
	case now.State == chat.CallRinging && now.Version == 1 && len(now.Participants) == 1:
		name = wire.EventCallRinging
		not = g.seats.at(seat{now.ConversationID, now.ID, now.Participants[0].DeviceID})
	}
	f := g.frame(name, ev.Data)
	x := scratchPool.Get().(*scratch) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	defer x.release()
	g.advance(r, x, r.last, 0, 0)
	sent := 0
	for _, u := range x.members {
		for c := u.first.Load(); c != nil; c = c.next.Load() {
			if c != not {
				c.send(f)
				sent++
			}
		}
	}
	g.stats.eventsOut.Add(int64(sent))
}

// leaveCall takes people out of the call of a conversation that they are no members of.
func (g *Gateway) leaveCall(id chat.ConversationID, users []chat.UserID) {
	if g.ports.Calls == nil {
		return
	}
	g.ports.Calls.Removed(id, users)
	for _, user := range users {
		u := g.lookup(user)
		if u == nil {
			continue
		}
		u.each(func(c *conn) { g.rise(c, func(s seat) bool { return s.conversation == id }) })
	}
}
