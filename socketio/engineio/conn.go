package engineio

import (
	"encoding/base64"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/socketio/internal/wheel"
)

// Transport is how a connection travels at the moment.
type Transport string

// The transports of Engine.IO 4 that are offered.
const (
	Polling   Transport = "polling"
	WebSocket Transport = "websocket"
)

// A Session is the layer above one connection. Message and Closed are never called at
// the same time; the calls run on an I/O goroutine, so they must be quick.
type Session interface {
	// Message takes a message of the client, in order. data is valid only during the
	// call. An error closes the connection; a *CloseError chooses how.
	Message(data []byte, binary bool) error
	// Wake is called after the time given to Conn.WakeAt (ns on the server's clock).
	Wake(now int64)
	// Behind says that more than the soft bound waits for the client, CaughtUp that
	// nothing waits any more.
	Behind()
	CaughtUp()
	// Closed is called once, last.
	Closed(reason Reason)
}

type connState uint8

const (
	stateOpen    connState = iota
	stateClosing           // over for the application; the transport says goodbye
	stateClosed
)

// idBytes random bytes make a session id of 20 characters.
const idBytes = 15

type sessionID [idBytes]byte

func (id sessionID) String() string { return base64.URLEncoding.EncodeToString(id[:]) }

// A Conn is one Engine.IO connection, whatever its transport. Its exported methods are
// safe for concurrent use.
//
// Locks: inMu serialises what comes in (and is held while Session.Message runs), mu
// guards the state and everything going out. inMu comes before mu. mu is held over
// non-blocking writes only: the order of frames is the order of holding it.
type Conn struct {
	srv      *Server
	session  Session
	captured any
	id       sessionID

	inMu      sync.Mutex
	ctlSecond uint32 // inMu: control frames are counted per second
	ctlCount  uint32

	mu        sync.Mutex
	state     connState
	awaiting  bool // a pong
	upgraded  bool // came by polling, is a WebSocket now
	deferred  bool // in the merger's list
	pipe      *pipe
	poll      *polling // nil on a WebSocket
	out       *outQueue
	lastWrite int64
	beat      int64 // ns: the next ping, or while awaiting the pong's deadline
	wakeAt    int64 // ns: the session's own deadline; 0 is none

	unfinished atomic.Int64 // ns: since when a message has been incomplete; 0 is none
	node       wheel.Node[Conn]
}

// ID is the Engine.IO session id. It is a secret between client and server.
func (c *Conn) ID() string { return c.id.String() }

// Captured is what Options.Capture kept of the handshake request.
func (c *Conn) Captured() any { return c.captured }

// Transport says how the connection travels at the moment.
func (c *Conn) Transport() Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transport()
}

func (c *Conn) transport() Transport {
	if c.poll != nil {
		return Polling
	}
	return WebSocket
}

// Buffered is what waits to be sent: bytes and frames.
func (c *Conn) Buffered() (bytes, frames int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.size(), c.out.len()
}

// Unanswered is how long ago the last ping was due that the client has not answered; zero
// when it has answered all of them. It grows up to Options.PingTimeout, then the
// connection ends.
func (c *Conn) Unanswered() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := c.beat
	if c.awaiting {
		due -= int64(c.srv.opt.PingTimeout)
	}
	return time.Duration(max(0, c.srv.now()-due))
}

// WakeAt asks for a call of Session.Wake once the server's clock has reached at (ns),
// replacing an earlier wish; 0 takes it back.
func (c *Conn) WakeAt(at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wakeAt = at
	if at != 0 && c.state == stateOpen {
		c.srv.wheel.Advance(&c.node, c, at)
	}
}

// Now is the server's clock in nanoseconds since its start.
func (c *Conn) Now() int64 { return c.srv.now() }

// Close ends the connection after what waits has been sent.
func (c *Conn) Close(e *CloseError) { c.end(e, endGraceful) }

// CloseAfter is Close with a last frame: nothing that others send comes behind it.
func (c *Conn) CloseAfter(last *Frame, e *CloseError) { c.endAfter(last, e, endGraceful) }

// receive handles one packet of the active transport. inMu is held.
func (c *Conn) receive(p packet) error {
	switch p.kind {
	case packetMessage:
		return c.session.Message(p.data, p.binary)
	case packetPong:
		if err := c.countControl(); err != nil {
			return err
		}
		c.pong()
		return nil
	case packetClose:
		c.end(&CloseError{Reason: ReasonClientClose}, endClient)
		return nil
	case packetOpen, packetPing, packetUpgrade, packetNoop:
	}
	return badPacket("packet only a server may send")
}

// countControl bounds pings and pongs. inMu is held.
func (c *Conn) countControl() error {
	second := uint32(c.srv.now() / 1e9) //nolint:gosec // wraps after 136 years
	if second != c.ctlSecond {
		c.ctlSecond, c.ctlCount = second, 0
	}
	c.ctlCount++
	if int(c.ctlCount) > c.srv.opt.MaxControl {
		return &CloseError{Reason: ReasonRateLimited}
	}
	return nil
}

// countInbound keeps the sum of unfinished messages and their age. inMu is held.
func (c *Conn) countInbound(before, after int) error {
	sum := c.srv.inbound.Add(int64(after - before))
	if before == 0 {
		now := c.srv.now()
		c.unfinished.Store(now)
		c.mu.Lock()
		if c.state == stateOpen {
			c.srv.wheel.Advance(&c.node, c, now+int64(c.srv.opt.BodyTimeout))
		}
		c.mu.Unlock()
	}
	if after == 0 {
		c.unfinished.Store(0)
	}
	if after > before && sum > c.srv.opt.MaxInbound {
		c.srv.inbound.Add(int64(before - after))
		return &CloseError{Reason: ReasonOverloaded}
	}
	return nil
}
