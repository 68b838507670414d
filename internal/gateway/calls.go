package gateway

import (
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// errCallsOff answers where a node was made without calls.
var errCallsOff = &chat.Error{Code: chat.CodeUnavailable, Reason: "calls_off", Message: "Calls are switched off on this server."}

func (g *Gateway) callStart(c *conn, p wire.CallStart, r reply) { g.noCall(c, p.ConversationID, r) }

func (g *Gateway) callAnswer(c *conn, p wire.CallAnswer, r reply) { g.noCall(c, p.ConversationID, r) }

func (g *Gateway) callSignal(c *conn, p wire.CallSignal, r reply) { g.noCall(c, p.ConversationID, r) }

func (g *Gateway) callUpdate(c *conn, p wire.CallUpdate, r reply) { g.noCall(c, p.ConversationID, r) }

func (g *Gateway) callEnd(c *conn, p wire.CallEnd, r reply) { g.noCall(c, p.ConversationID, r) }

func (g *Gateway) callList(c *conn, _ wire.Empty, r reply) {
	if err := g.allow(c); err != nil {
		r.fail(err)
		return
	}
	r.data(wire.CallsAnswer{Calls: []chat.Call{}})
}

func (g *Gateway) noCall(c *conn, id chat.ConversationID, r reply) {
	g.asMember(c, id, r, func() { r.fail(errCallsOff) })
}
