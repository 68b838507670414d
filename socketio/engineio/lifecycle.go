package engineio

import (
	"time"

	"github.com/parley-chat/parley/socketio/internal/ws"
)

// ending is how a connection is brought to its end.
type ending uint8

const (
	endGraceful ending = iota // send what waits, say goodbye, wait a little for the peer
	endGone                   // the stream is dead
	endEcho                   // the peer sent a close frame
	endClient                 // the peer sent a close packet
	endAbort                  // throw away what waits
)

var (
	pingFrame    = newText(packetPing, nil)
	probeAnswer  = newText(packetPong, []byte("probe"))
	noopPayload  = []byte{byte(packetNoop)}
	closePayload = []byte{byte(packetClose)}
)

// end closes the connection for the application and starts the transport's goodbye.
// Only the first call counts.
func (c *Conn) end(e *CloseError, how ending) { c.endAfter(nil, e, how) }

// endAfter is end with a last frame, which no other can follow.
func (c *Conn) endAfter(last *Frame, e *CloseError, how ending) {
	c.mu.Lock()
	if c.state != stateOpen {
		c.mu.Unlock()
		return
	}
	if last != nil && c.poll == nil {
		if err := c.push(last, c.srv.now()); err != nil {
			e, how = &CloseError{Reason: ReasonTransportError}, endGone
		}
	} else if last != nil {
		c.enqueue(last, c.srv.now())
		c.flushPoll()
	}
	c.state = stateClosing
	transport := c.transport()
	if c.poll != nil {
		c.endPolling(e, how)
	} else {
		c.srv.unregister(c)
		c.endWebSocket(e, how)
	}
	c.mu.Unlock()
	c.srv.opt.Observer.Closed(transport, e.Reason)
	c.srv.notify(notice{c: c, kind: noticeClosed, reason: e.Reason})
}

// endWebSocket is end for a WebSocket. mu is held.
func (c *Conn) endWebSocket(e *CloseError, how ending) {
	if how == endGone || how == endAbort {
		c.destroy(how == endAbort)
		return
	}
	code, text := e.Code, e.Text
	if code == 0 {
		code = closeCode(e.Reason)
	}
	if how == endEcho {
		text = ""
	} else if text == "" {
		text = string(e.Reason)
	}
	now := c.srv.now()
	if err := c.push(&Frame{wire: ws.AppendClose(nil, code, text)}, now); err != nil {
		c.destroy(false)
		return
	}
	if c.out == nil {
		if how == endEcho {
			c.destroy(false) // RFC 6455 section 7.1.1: the server closes first
			return
		}
		c.pipe.link.shut()
	}
	c.linger(now)
}

// endPolling is end for long-polling. mu is held.
func (c *Conn) endPolling(e *CloseError, how ending) {
	c.dropProbe()
	c.poll.leaving = how == endClient
	if c.poll.waiter != nil {
		c.answerPoll(c.goodbye())
		c.destroy(false)
		return
	}
	if how == endClient || how == endGraceful && (e.Reason == ReasonServerClose || e.Reason == ReasonShutdown) {
		// The last packets and the goodbye wait for the next poll; a client that
		// closes may have sent one that was overtaken.
		c.linger(c.srv.now())
		return
	}
	c.destroy(false)
}

// linger gives the peer of a closed connection a little time. mu is held.
func (c *Conn) linger(now int64) {
	c.srv.wheel.Set(&c.node, c, now+int64(c.srv.opt.CloseTimeout))
}

// destroy gives everything the connection holds back. mu is held.
func (c *Conn) destroy(abort bool) {
	if c.state == stateClosed {
		return
	}
	c.state = stateClosed
	c.srv.unregister(c)
	c.dropProbe()
	if c.pipe != nil {
		c.pipe.link.close(abort)
	}
	if c.out != nil {
		c.srv.outbound.Add(-int64(c.out.bytes))
		if c.out.behind {
			c.srv.lag.remove(c)
		}
		c.out.release()
		c.out = nil
	}
	c.srv.wheel.Remove(&c.node)
	c.srv.gone()
}

// tick does what is due. It is called by the wheel, which has forgotten the connection.
func (c *Conn) tick(now int64) {
	c.mu.Lock()
	if c.state != stateOpen {
		if c.state == stateClosing {
			c.destroy(false)
		}
		c.mu.Unlock()
		return
	}
	if e, how := c.overdue(now); e != nil {
		c.mu.Unlock()
		c.end(e, how)
		return
	}
	if p := c.probe(); p != nil && now >= c.poll.probeBy {
		c.rejectProbe(&CloseError{Reason: ReasonPingTimeout, Text: "upgrade timeout"})
	}
	var err error
	if !c.awaiting && now >= c.beat {
		err = c.ping(now)
	}
	wake := c.wakeAt != 0 && now >= c.wakeAt
	if wake {
		c.wakeAt = 0
	}
	c.srv.wheel.Set(&c.node, c, c.next())
	c.mu.Unlock()
	if err != nil {
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
		return
	}
	if wake {
		c.session.Wake(now)
	}
}

// overdue says which deadline the client has missed. mu is held.
func (c *Conn) overdue(now int64) (*CloseError, ending) {
	opt := &c.srv.opt
	switch {
	case c.waiting() && now-c.out.oldest() >= int64(opt.FlushTimeout):
		return &CloseError{Reason: ReasonSlowConsumer}, endAbort
	case c.expired(now):
		return &CloseError{Reason: ReasonPingTimeout}, endGraceful
	}
	if since := c.unfinished.Load(); since != 0 && now-since >= int64(opt.BodyTimeout) {
		return &CloseError{Reason: ReasonSlowProducer}, endGraceful
	}
	return nil, endGraceful
}

// waiting reports whether frames wait for the client, and not for the merger. mu is held.
func (c *Conn) waiting() bool {
	return c.out.len() > 0 && (c.out.blocked || c.poll != nil)
}

// expired reports whether the client's pong, or the ping that asks for it, is so late
// that the connection counts as dead. mu is held.
func (c *Conn) expired(now int64) bool {
	if c.awaiting {
		return now >= c.beat
	}
	return now >= c.beat+int64(c.srv.opt.PingTimeout)
}

// ping sends the heartbeat. The pong's deadline counts from when the ping was due, so
// that both ends agree whatever the wheel's resolution; mu is held.
func (c *Conn) ping(now int64) error {
	timeout := int64(c.srv.opt.PingTimeout)
	if now-c.beat > max(timeout/2, int64(time.Second)) { // the process was stopped for a while
		c.beat = now
	}
	c.awaiting, c.beat = true, c.beat+timeout
	if c.poll != nil {
		c.enqueue(pingFrame, now)
		c.flushPoll()
		return nil
	}
	return c.push(pingFrame, now)
}

// pong takes the answer to a heartbeat; one nobody asked for is ignored.
func (c *Conn) pong() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.awaiting || c.state != stateOpen {
		return
	}
	opt := &c.srv.opt
	c.awaiting = false
	c.beat += int64(opt.PingInterval - opt.PingTimeout)
	if opt.PingInterval < opt.PingTimeout {
		c.srv.wheel.Advance(&c.node, c, c.beat)
	}
}

// next is the time of the next thing that may be due. mu is held.
func (c *Conn) next() int64 {
	opt := &c.srv.opt
	next := c.beat
	if c.waiting() {
		next = min(next, c.out.oldest()+int64(opt.FlushTimeout))
	}
	if c.probe() != nil {
		next = min(next, c.poll.probeBy)
	}
	if since := c.unfinished.Load(); since != 0 {
		next = min(next, since+int64(opt.BodyTimeout))
	}
	if c.wakeAt != 0 {
		next = min(next, c.wakeAt)
	}
	return next
}

// tickFor chooses the wheel's resolution: fine enough for the shortest heartbeat.
func tickFor(opt Options) time.Duration {
	shortest := min(opt.PingInterval, opt.PingTimeout, opt.FlushTimeout, opt.UpgradeTimeout)
	return min(max(shortest/50, 2*time.Millisecond), 100*time.Millisecond)
}
