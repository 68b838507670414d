package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// maxWaiting bounds the requests of one socket that wait for the store, and the commands
// that wait behind files: twice the burst of sends.
const maxWaiting = 128

// Register puts the gateway's handlers into the namespace "/" of a server, which
// was made with Options of this gateway (see ServerOptions).
func (g *Gateway) Register(srv *socketio.Server) {
	ns := srv.Of("/")
	ns.OnConnect(g.onConnect)
	ns.OnDisconnect(g.onDisconnect)
	ns.OnUnknown(func(_ *socketio.Socket, _ string, ack socketio.Ack) {
		reply{g, ack}.fail(&chat.Error{Code: chat.CodeInvalid, Reason: "unknown_event", Message: "There is no such event."})
	})
	ns.OnInvalid(func(_ *socketio.Socket, _ string, err error, ack socketio.Ack) {
		reply{g, ack}.fail(invalidPayload(err))
	})
	for _, e := range g.events() {
		e.register(ns)
	}
}

// event is one client event with its handler.
type event struct {
	name     string
	register func(ns *socketio.Namespace)
}

// events is the table of everything a client may send.
func (g *Gateway) events() []event {
	return []event{
		on(g, wire.EventMessageSend, g.messageSend),
		on(g, wire.EventMessageEdit, g.messageEdit),
		on(g, wire.EventMessageDelete, g.messageDelete),
		on(g, wire.EventReactionSet, g.reactionSet),
		on(g, wire.EventConversationDelivered, g.conversationDelivered),
		on(g, wire.EventConversationRead, g.conversationRead),
		on(g, wire.EventTypingSet, g.typingSet),
		on(g, wire.EventPresenceWatch, g.presenceWatch),
		on(g, wire.EventEntriesAfter, g.entriesAfter),
		on(g, wire.EventAttention, g.attention),
		on(g, wire.EventCallStart, g.callStart),
		on(g, wire.EventCallAnswer, g.callAnswer),
		on(g, wire.EventCallSignal, g.callSignal),
		on(g, wire.EventCallUpdate, g.callUpdate),
		on(g, wire.EventCallEnd, g.callEnd),
		on(g, wire.EventCallList, g.callList),
	}
}

// on makes an event of a typed handler. Handlers of one socket run one after the
// other on an I/O goroutine and must not wait.
func on[P any](g *Gateway, name string, handle func(c *conn, p P, r reply)) event {
	return event{name: name, register: func(ns *socketio.Namespace) {
		socketio.On(ns, name, func(s *socketio.Socket, p P, ack socketio.Ack) {
			r := reply{g, ack}
			c, ok := socketio.Data[*conn](s)
			if !ok || c.flags.Load()&connGone != 0 {
				r.fail(chat.ErrUnauthenticated)
				return
			}
			if c.session.ExpiresAt <= chat.TimeOf(g.opt.Now()) {
				r.fail(chat.ErrUnauthenticated)
				g.later(func(ctx context.Context) { g.recheck(ctx, c) })
				return
			}
			g.stats.requests.Add(1)
			handle(c, p, r)
		})
	}}
}

// invalidPayload turns what a decoder says into what a client is told.
func invalidPayload(err error) error {
	if e := chat.AsError(err); e.Code != chat.CodeInternal {
		return e
	}
	return &chat.Error{Code: chat.CodeInvalid, Reason: "malformed", Message: "An event takes one argument, a JSON object."}
}

// reply is the answer to one request. It may be given once, from any goroutine.
type reply struct {
	g   *Gateway
	ack socketio.Ack
}

// fail refuses. What is not meant for the caller is logged and becomes internal.
func (r reply) fail(err error) {
	e := chat.AsError(err)
	r.g.stats.refusedRequests.Add(1)
	if e.Code == chat.CodeInternal {
		r.g.opt.Logger.Error("answer a request", "err", err)
	}
	// An error means that the socket is gone or was answered already: there is
	// nobody left to tell. The same holds below.
	_ = r.ack.SendJSON(wire.AckError(e))
}

// data accepts.
func (r reply) data(v any) {
	raw, err := wire.AckData(v)
	if err != nil {
		r.fail(err)
		return
	}
	_ = r.ack.SendJSON(raw)
}

// command is a request whose outcome comes later.
type command struct {
	reply
	settled atomic.Bool
}

// settle takes the command out of those whose outcome is not known; only the
// first call does.
func (c *command) settle() bool {
	if c.settled.Swap(true) {
		return false
	}
	c.g.pending.Add(-1)
	return true
}

// done answers with what became of the command.
func (c *command) done(o chat.Outcome) {
	if !c.settle() {
		return
	}
	if o.Err != nil {
		c.fail(o.Err)
		return
	}
	_ = c.ack.SendJSON(wire.AckEntry(o.JSON, o.Repeated && o.JSON != nil))
}

// submit does a command after those that the socket sent to the conversation before, and
// counts it until its outcome is known. waits says that do may wait for the store, for
// which it gets Options.FileWait from now on, not from when its turn comes: those that come
// behind several of them do not wait for each in turn.
func (g *Gateway) submit(c *conn, id chat.ConversationID, waits bool, r reply, do func(ctx context.Context, done func(chat.Outcome))) {
	var until context.Context
	end := func() {}
	if waits {
		until, end = context.WithTimeout(g.ctx, g.opt.FileWait)
	}
	if !g.inOrder(c, id, waits, r, func(ctx context.Context) {
		defer end()
		if waits {
			ctx = until
		}
		cmd := &command{reply: r}
		g.pending.Add(1)
		started := false
		defer func() {
			if !started { // do panicked: whoever recovers answers
				cmd.settle()
			}
		}()
		do(ctx, cmd.done)
		started = true
	}) {
		end()
	}
}

func (g *Gateway) messageSend(c *conn, p wire.MessageSend, r reply) {
	req := service.SendRequest{
		UserID: c.user.id, ConversationID: p.ConversationID, ClientID: p.ClientID, Text: p.Text, ReplyTo: p.ReplyTo,
	}
	for _, a := range p.Attachments {
		req.Attachments = append(req.Attachments, a.ID)
	}
	req.Mentions = p.Mentions
	g.submit(c, p.ConversationID, len(req.Attachments) > 0, r, func(ctx context.Context, done func(chat.Outcome)) {
		g.ports.Service.Send(ctx, req, done)
	})
}

func (g *Gateway) messageEdit(c *conn, p wire.MessageEdit, r reply) {
	g.submit(c, p.ConversationID, false, r, func(ctx context.Context, done func(chat.Outcome)) {
		g.ports.Service.Edit(ctx, ref(c, p.ConversationID, p.Seq), p.Text, done)
	})
}

func (g *Gateway) messageDelete(c *conn, p wire.MessageDelete, r reply) {
	g.submit(c, p.ConversationID, false, r, func(ctx context.Context, done func(chat.Outcome)) {
		g.ports.Service.Delete(ctx, ref(c, p.ConversationID, p.Seq), done)
	})
}

func (g *Gateway) reactionSet(c *conn, p wire.ReactionSet, r reply) {
	g.submit(c, p.ConversationID, false, r, func(ctx context.Context, done func(chat.Outcome)) {
		g.ports.Service.React(ctx, ref(c, p.ConversationID, p.Seq), p.Emoji, p.On, done)
	})
}

func ref(c *conn, id chat.ConversationID, seq chat.Seq) service.MessageRef {
	return service.MessageRef{UserID: c.user.id, ConversationID: id, Seq: seq}
}

func (g *Gateway) conversationDelivered(c *conn, p wire.ReceiptSet, r reply) {
	g.receipt(c, chat.Receipt{ConversationID: p.ConversationID, UserID: c.user.id, DeliveredSeq: p.Seq}, r)
}

func (g *Gateway) conversationRead(c *conn, p wire.ReceiptSet, r reply) {
	g.receipt(c, chat.Receipt{ConversationID: p.ConversationID, UserID: c.user.id, DeliveredSeq: p.Seq, ReadSeq: p.Seq}, r)
}

func (g *Gateway) receipt(c *conn, receipt chat.Receipt, r reply) {
	if err := validSeq(receipt.DeliveredSeq); err != nil {
		r.fail(err)
		return
	}
	g.asMember(c, receipt.ConversationID, r, func() {
		g.ports.Service.NoteReceipt(receipt, func(now chat.Receipt, err error) {
			if err != nil {
				r.fail(err)
				return
			}
			r.data(now)
		})
	})
}

func validSeq(seq chat.Seq) error {
	if seq < 1 || seq > chat.MaxSeq {
		return chat.Invalid("seq", "is not a seq")
	}
	return nil
}

// asMember counts a request against the socket's rate and does it if the person
// is a member of the conversation. do must not wait.
func (g *Gateway) asMember(c *conn, id chat.ConversationID, r reply, do func()) {
	if err := g.allow(c); err != nil {
		r.fail(err)
		return
	}
	if c.user.room(id) != nil {
		do()
		return
	}
	// They may have become a member just now.
	g.wait(c, r, func(ctx context.Context) {
		if g.opt.Ahead {
			if err := g.ports.Service.Settled(ctx, c.user.id); err != nil {
				r.fail(err)
				return
			}
		}
		if err := g.reconcile(ctx, c.user, change{id: id}); err != nil {
			if !errors.Is(err, errStale) {
				g.opt.Logger.Warn("look for a membership", "err", err)
			}
			r.fail(chat.ErrUnavailable)
			return
		}
		if c.user.room(id) == nil {
			r.fail(chat.ErrNotFound)
			return
		}
		do()
	})
}

func (g *Gateway) entriesAfter(c *conn, p wire.EntriesAfter, r reply) {
	if err := g.allow(c); err != nil {
		r.fail(err)
		return
	}
	if p.Limit < 0 {
		r.fail(chat.Invalid("limit", "is negative"))
		return
	}
	if p.Limit == 0 {
		p.Limit = wire.DefaultEntriesAfter
	}
	g.wait(c, r, func(ctx context.Context) {
		page, err := g.ports.Service.EntriesAfter(ctx, service.EntriesRequest{
			UserID: c.user.id, ConversationID: p.ConversationID, After: p.Seq,
			Limit: min(p.Limit, wire.MaxEntriesAfter), MaxBytes: wire.MaxEntriesBytes,
		})
		if err != nil {
			r.fail(err)
			return
		}
		answer := wire.EntriesAnswer{Entries: make([]json.RawMessage, 0, len(page.Items)), Head: page.Head}
		for _, e := range page.Items {
			answer.Entries = append(answer.Entries, e.JSON)
		}
		r.data(answer)
	})
}

// allow counts a request that is not a command against the socket's rate.
func (g *Gateway) allow(c *conn) error {
	if wait := c.extra().requests.take(g.opt.Now(), g.opt.RequestsPerSecond, g.opt.RequestBurst); wait > 0 {
		e := *chat.ErrRateLimited
		e.RetryAfter = wait
		return &e
	}
	return nil
}
