package engineio

import (
	"errors"
	"net"

	"github.com/parley-chat/parley/socketio/internal/ws"
)

// errBlocked says that a write would have to wait.
var errBlocked = errors.New("write would block")

// A link is the byte stream below one WebSocket. There are two: one driven by epoll
// (link_linux.go) and one by goroutines (link_portable.go). All methods but start are
// called with the connection's mu held and never wait.
type link interface {
	// start begins to hand what arrives to pipe.feed.
	start() error
	// write takes what it can at once. errBlocked with the number of bytes taken
	// when that is not everything; the link then goes on by itself when it can, by
	// Conn.writable or by taking from the connection's queue.
	write(p []byte) (int, error)
	// lagging reports whether the peer does not keep up, going by what waits for it.
	lagging(q *outQueue, now int64) bool
	// say sends a few bytes past the queue: the answer to the opening handshake, and on
	// a WebSocket that is no transport yet.
	say(p []byte) error
	// leave is say, and close after it.
	leave(p []byte)
	// shut ends the sending direction; reading goes on.
	shut()
	// close ends everything; abort throws away what the kernel still has to send.
	close(abort bool)
	// drain handles, without waiting, what has arrived but was not handed over yet.
	// It is called without mu.
	drain()
}

// pipeState is what a WebSocket is to its connection.
type pipeState uint8

const (
	pipeActive pipeState = iota // the connection's transport
	pipeProbe                   // accepted beside a polling transport, nothing said yet
	pipeProbed                  // the probe was answered, waiting for the upgrade packet
)

// A pipe is one WebSocket of a connection: its transport, or the candidate of an upgrade.
type pipe struct {
	c      *Conn
	link   link
	reader *ws.Reader // owned by c.inMu
	state  pipeState  // written with c.inMu and c.mu held
}

// newLink takes the network connection over.
func (s *Server) newLink(p *pipe, nc net.Conn) link {
	if !s.opt.Portable {
		if l := s.newEpollLink(p, nc); l != nil {
			return l
		}
	}
	return newGoLink(p, nc)
}

// feed handles bytes that arrived. It is called with c.inMu held; data is overwritten.
// It reports whether reading shall go on.
func (p *pipe) feed(data []byte) bool {
	c := p.c
	c.mu.Lock()
	mine, closing := c.pipe == p || c.probe() == p, c.state != stateOpen
	c.mu.Unlock()
	if !mine {
		return false
	}
	if closing {
		return true // lingering: read and forget until the peer closes
	}
	before := p.reader.Buffered()
	var err error
	p.reader, err = p.reader.Feed(data, ws.Limits{MaxMessage: c.srv.opt.MaxPayload, Masked: true}, p)
	after := p.reader.Buffered()
	if err == nil && after != before {
		err = c.countInbound(before, after)
	}
	if err != nil {
		c.srv.inbound.Add(-int64(min(before, after)))
		p.reader = nil
		p.fail(err)
	}
	return true
}

// gone handles the end of the stream; err is nil when the peer closed it. It is called
// with c.inMu held.
func (p *pipe) gone(err error) {
	c := p.c
	p.forget()
	c.mu.Lock()
	isTransport, open := c.pipe == p, c.state == stateOpen
	switch {
	case c.probe() == p:
		c.dropProbe()
	case isTransport && !open:
		c.destroy(false)
	}
	c.mu.Unlock()
	if !isTransport || !open {
		return // a candidate, or one that was rejected before
	}
	reason := ReasonTransportClose
	if err != nil {
		reason = ReasonTransportError
	}
	c.end(&CloseError{Reason: reason}, endGone)
}

// forget drops an unfinished message. c.inMu is held.
func (p *pipe) forget() {
	if n := p.reader.Buffered(); n > 0 {
		p.c.srv.inbound.Add(-int64(n))
	}
	p.reader = nil
}

// fail closes what a breach happened on: the connection, or only a candidate.
func (p *pipe) fail(err error) {
	e := asCloseError(err)
	c := p.c
	c.mu.Lock()
	if c.probe() == p {
		c.rejectProbe(e)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.end(e, endGraceful)
}

func asCloseError(err error) *CloseError {
	var ce *CloseError
	if errors.As(err, &ce) {
		return ce
	}
	var pe *ws.ProtocolError
	if errors.As(err, &pe) {
		reason := ReasonBadPacket
		if pe.Code == ws.CodeTooBig {
			reason = ReasonTooBig
		}
		return &CloseError{Reason: reason, Code: pe.Code, Text: string(reason) + ": " + pe.Reason}
	}
	return badPacket(err.Error())
}

// Message implements ws.Sink.
func (p *pipe) Message(op ws.Opcode, payload []byte) error {
	c := p.c
	c.mu.Lock()
	state, open := p.state, c.state == stateOpen
	c.mu.Unlock()
	if !open {
		return nil
	}
	pk := packet{kind: packetMessage, data: payload, binary: true}
	if op == ws.OpText {
		var err error
		if pk, err = decodeText(payload); err != nil {
			return badPacket(err.Error())
		}
	}
	if state != pipeActive {
		return p.probing(pk)
	}
	return c.receive(pk)
}

// Control implements ws.Sink.
func (p *pipe) Control(op ws.Opcode, payload []byte) error {
	c := p.c
	if err := c.countControl(); err != nil {
		return err
	}
	switch op {
	case ws.OpPing:
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.pipe != p || c.state != stateOpen {
			return nil
		}
		if err := c.push(&Frame{wire: ws.AppendFrame(nil, ws.OpPong, payload)}, c.srv.now()); err != nil {
			return &CloseError{Reason: ReasonTransportError}
		}
	case ws.OpClose:
		c.mu.Lock()
		isProbe := c.probe() == p
		if isProbe {
			c.dropProbe()
		}
		c.mu.Unlock()
		if !isProbe {
			code, _ := ws.CloseCode(payload)
			c.end(&CloseError{Reason: ReasonTransportClose, Code: code}, endEcho)
		}
	case ws.OpPong, ws.OpContinuation, ws.OpText, ws.OpBinary:
	}
	return nil
}

// probing handles a packet on a candidate (Engine.IO protocol, "Upgrade").
func (p *pipe) probing(pk packet) error {
	c := p.c
	switch {
	case p.state == pipeProbe && pk.kind == packetPing && string(pk.data) == "probe" && !pk.binary:
		c.mu.Lock()
		defer c.mu.Unlock()
		p.state = pipeProbed
		if err := p.link.say(probeAnswer.wire); err != nil {
			c.dropProbe()
			return nil
		}
		c.answerPoll(noopPayload)
		return nil
	case p.state == pipeProbed && pk.kind == packetUpgrade && !pk.binary:
		c.upgrade(p)
		return nil
	}
	return badPacket("unexpected packet during the upgrade")
}
