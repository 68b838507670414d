package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// connectTimeout bounds the work of accepting one socket.
const connectTimeout = 10 * time.Second

// onConnect decides about a new socket. It runs in the Socket.IO server's pool.
// When it returns nil, ready is on its way and everything later will follow it.
func (g *Gateway) onConnect(s *socketio.Socket, auth json.RawMessage) error {
	ctx, cancel := context.WithTimeout(g.ctx, connectTimeout)
	defer cancel()
	if err := g.accept(ctx, s, auth); err != nil {
		g.stats.refusedConnects.Add(1)
		shown := wire.ErrorOf(err)
		if shown.Code == chat.CodeInternal || shown.Code == chat.CodeUnavailable {
			g.opt.Logger.Error("accept a socket", "err", err)
		}
		return &socketio.ConnectError{Message: shown.Message, Data: shown}
	}
	return nil
}

// errDraining refuses sockets while the node stops. Clients come back at
// different moments.
func (g *Gateway) errDraining() error {
	after := time.Second + rand.N(g.opt.ReconnectSpread) //nolint:gosec // spreading needs no secrecy
	return &chat.Error{Code: chat.CodeUnavailable, Reason: "restarting", RetryAfter: after, Message: "This server is restarting; connect again in a moment."}
}

func (g *Gateway) accept(ctx context.Context, s *socketio.Socket, auth json.RawMessage) error {
	if g.draining.Load() {
		return g.errDraining()
	}
	var given wire.Connect
	if len(auth) > 0 {
		if err := wire.Decode(auth, &given); err != nil {
			return fmt.Errorf("read auth: %w", err)
		}
	}
	from, _ := s.Captured().(*handshake)
	if from == nil {
		from = &handshake{}
	}
	token := given.Token
	if token == "" {
		token = from.token
	}
	if err := g.throttle.mayTry(from.address, g.opt.Now()); err != nil {
		return err
	}
	session, err := g.ports.Service.Authenticate(ctx, token)
	if err != nil {
		if errors.Is(err, chat.ErrUnauthenticated) {
			g.throttle.failed(from.address, g.opt.Now())
		}
		return err //nolint:wrapcheck // meant for the client
	}
	c := &conn{socket: s, session: session}
	c.held.Store(&held{})
	c.flags.Store(connHeld)
	if err := g.attach(ctx, c, session.UserID); err != nil {
		return err
	}
	if err := g.welcome(ctx, c, given.Cursor, token); err != nil {
		c.flags.Or(connGone)
		g.detach(c)
		return err
	}
	s.SetData(c)
	g.throttle.accepted(from.address)
	from.token, from.address = "", ""
	g.stats.sockets.Add(1)
	return nil
}

// welcome sends ready. The session is looked up a second time now that its
// revocation would be heard, and heads are read now that entries would be delivered:
// what happened in between is in one or the other.
func (g *Gateway) welcome(ctx context.Context, c *conn, cursor, token string) error {
	if _, err := g.ports.Service.Authenticate(ctx, token); err != nil {
		return err //nolint:wrapcheck // meant for the client
	}
	account, err := g.ports.Service.Me(ctx, c.session.UserID)
	if err != nil {
		return err //nolint:wrapcheck // meant for the client
	}
	unstored, err := g.unstored(ctx, c.user)
	if err != nil {
		return err
	}
	moved := &service.Moved{Cursor: g.ports.Service.SyncCursor()}
	behind := false
	if cursor != "" {
		if moved, behind, err = g.sync(ctx, c.session.UserID, cursor); err != nil {
			return err
		}
	}
	moved.Heads = raise(moved.Heads, unstored)
	ready, err := socketio.NewFrame(wire.EventReady, wire.Ready{
		User: wire.MeOf(account, g.opt.Limits), Cursor: moved.Cursor, HeadsChanged: moved.Heads, Gone: moved.Gone, ServerTime: chat.TimeOf(g.opt.Now()),
	})
	if err != nil {
		return fmt.Errorf("encode ready: %w", err)
	}
	c.release(ready, g.frames.resync)
	if behind {
		c.send(g.frames.resync)
	}
	return nil
}

// sync gives what moved while a client was away. When the store cannot say, behind
// is true: the client has its cursor back, and is to be told to ask by itself.
func (g *Gateway) sync(ctx context.Context, user chat.UserID, cursor string) (moved *service.Moved, behind bool, err error) {
	moved, err = g.ports.Service.Sync(ctx, user, cursor)
	if errors.Is(err, chat.ErrUnavailable) && g.opt.Away() {
		return &service.Moved{Cursor: cursor}, true, nil
	}
	return moved, false, err //nolint:wrapcheck // meant for the client
}

// unstored gives the conversations of a person that the store does not show as far
// as they were delivered here: the socket that joins them now did not get that.
func (g *Gateway) unstored(ctx context.Context, u *user) (map[chat.ConversationID]chat.Seq, error) {
	if !g.opt.Ahead {
		return nil, nil
	}
	unstored, err := g.ports.Service.Unstored(ctx, u.conversations())
	if errors.Is(err, chat.ErrUnavailable) && g.opt.Away() {
		return nil, nil // the client asks for itself, later
	}
	return unstored, err //nolint:wrapcheck // meant for the client
}

// raise puts entries that the store does not show yet into heads, so that the
// client asks for them; they never become nil.
func raise(heads []chat.Head, behind map[chat.ConversationID]chat.Seq) []chat.Head {
	out := make([]chat.Head, 0, len(heads)+len(behind))
	for _, h := range heads {
		h.LastSeq = max(h.LastSeq, behind[h.ConversationID])
		delete(behind, h.ConversationID)
		out = append(out, h)
	}
	for id, seq := range behind {
		out = append(out, chat.Head{ConversationID: id, LastSeq: seq})
	}
	return out
}

// onDisconnect forgets a socket.
func (g *Gateway) onDisconnect(s *socketio.Socket, reason socketio.Reason) {
	c, ok := socketio.Data[*conn](s)
	if !ok {
		return
	}
	g.stats.sockets.Add(-1)
	if reason == socketio.ReasonSlowConsumer {
		g.stats.slowCuts.Add(1)
	}
	c.flags.Or(connGone)
	g.unwatch(c)
	if g.ports.Calls != nil {
		g.rise(c, func(seat) bool { return true })
	}
	g.detach(c)
	g.stopTyping(c.user)
}

// onBehind and onCaughtUp leave entries out for a client that does not keep up,
// and have it catch up once it does.
func (g *Gateway) onBehind(s *socketio.Socket) {
	if c, ok := socketio.Data[*conn](s); ok {
		c.flags.Or(connBehind)
		g.stats.behind.Add(1)
	}
}

func (g *Gateway) onCaughtUp(s *socketio.Socket) {
	c, ok := socketio.Data[*conn](s)
	if !ok {
		return
	}
	// An entry that is left out between the two lines finds connBehind gone or
	// sets connMissed before it goes.
	if old := c.flags.And(^(connBehind | connMissed)); old&connMissed != 0 {
		c.send(g.frames.resync)
	}
}
