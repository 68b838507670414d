package engineio

import "errors"

// Mode says how a frame may be treated.
type Mode uint8

// The modes, which can be combined.
const (
	// Volatile frames are dropped when the client is not keeping up.
	Volatile Mode = 1 << iota
	// Mergeable frames may wait for Options.MergeWindow so that several of them become
	// one write, when the connection was written to within that window.
	Mergeable
)

// Send hands a frame over. It never waits: the frame is written at once when the
// connection takes it, else it is queued. ErrClosed when the connection is gone,
// ErrDropped for a volatile frame that found others waiting. A client for which too
// much waits is closed with ReasonSlowConsumer.
func (c *Conn) Send(f *Frame, mode Mode) error {
	return c.SendAt(f, mode, c.srv.now())
}

// SendAt is Send for callers who send to many connections and ask for the time once (Now).
func (c *Conn) SendAt(f *Frame, mode Mode, now int64) error {
	c.mu.Lock()
	if c.state != stateOpen {
		c.mu.Unlock()
		return ErrClosed
	}
	if mode&Volatile != 0 && c.lagging(now) {
		c.mu.Unlock()
		return ErrDropped
	}
	var err error
	switch {
	case c.poll != nil:
		c.enqueue(f, now)
		c.flushPoll()
	case mode&Mergeable != 0 && c.out == nil && now-c.lastWrite < c.srv.window:
		c.enqueue(f, now)
		c.postpone()
	case mode&Mergeable != 0 && c.deferred && c.out.size() < mergeBytes/2:
		c.enqueue(f, now)
	default:
		err = c.push(f, now)
	}
	over := c.over()
	c.mu.Unlock()
	if err != nil {
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
		return ErrClosed
	}
	if over {
		c.end(&CloseError{Reason: ReasonSlowConsumer}, endAbort)
		return ErrClosed
	}
	return nil
}

// lagging reports whether a volatile frame would have to wait. mu is held.
func (c *Conn) lagging(now int64) bool {
	if c.out.len() == 0 {
		return false
	}
	return c.poll != nil || c.pipe.link.lagging(c.out, now)
}

// push writes the frame now, behind what already waits. mu is held. An error means
// that the stream is broken.
func (c *Conn) push(f *Frame, now int64) error {
	if c.out != nil || c.pipe == nil {
		c.enqueue(f, now)
		return c.flush(now)
	}
	if now == 0 {
		now = c.srv.now()
	}
	c.lastWrite = now
	n, err := c.pipe.link.write(f.wire)
	if err == nil {
		return nil
	}
	if !errors.Is(err, errBlocked) {
		return err
	}
	c.enqueue(f, now)
	c.credit(n)
	c.block(now)
	return nil
}

// enqueue puts a frame behind what waits. mu is held.
func (c *Conn) enqueue(f *Frame, now int64) {
	if now == 0 {
		now = c.srv.now()
	}
	if c.out == nil {
		c.out = newQueue()
		if c.poll != nil {
			c.srv.wheel.Advance(&c.node, c, now+int64(c.srv.opt.FlushTimeout))
		}
	}
	c.out.push(f, now)
	c.srv.outbound.Add(int64(len(f.wire)))
	q := c.out
	if !q.behind && (q.bytes > c.srv.opt.BehindBytes || q.len() > c.srv.opt.BehindFrames) {
		q.behind = true
		c.srv.lag.add(c)
		c.srv.notify(notice{c: c, kind: noticeBehind})
	}
}

// credit notes that n bytes of the queue have been written. mu is held.
func (c *Conn) credit(n int) {
	c.out.advance(n)
	c.srv.outbound.Add(-int64(n))
}

// block notes that the stream takes no more for now. mu is held.
func (c *Conn) block(now int64) {
	if !c.out.blocked {
		c.out.blocked = true
		c.srv.wheel.Advance(&c.node, c, now+int64(c.srv.opt.FlushTimeout))
	}
}

// flush writes what waits, several frames at a time. mu is held.
func (c *Conn) flush(now int64) error {
	if c.out == nil || c.out.blocked || c.pipe == nil {
		return nil
	}
	if c.out.len() == 0 {
		c.emptied()
		return nil
	}
	buf := mergePool.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
	defer mergePool.Put(buf)
	c.lastWrite = now
	for c.out.len() > 0 {
		n, err := c.pipe.link.write(c.out.batch(*buf))
		c.credit(n)
		if errors.Is(err, errBlocked) {
			c.block(now)
			return nil
		}
		if err != nil {
			return err
		}
	}
	c.emptied()
	return nil
}

// emptied gives the queue back once everything has been taken. mu is held.
func (c *Conn) emptied() {
	q := c.out
	c.out = nil
	if q.behind {
		c.srv.lag.remove(c)
		c.srv.notify(notice{c: c, kind: noticeCaughtUp})
	}
	q.release()
	if c.state == stateClosing && c.pipe != nil {
		c.pipe.link.shut()
	}
}

// writable is called by a link whose stream takes bytes again.
func (c *Conn) writable() {
	now := c.srv.now()
	c.mu.Lock()
	var err error
	if c.out != nil && c.state != stateClosed {
		c.out.blocked = false
		err = c.flush(now)
	}
	c.mu.Unlock()
	if err != nil {
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
	}
}

// postpone leaves the queue to the merger. mu is held.
func (c *Conn) postpone() {
	if !c.deferred {
		c.deferred = true
		c.srv.merger(c).add(c)
	}
}

// merge writes what the merger was left with.
func (c *Conn) merge(now int64) {
	c.mu.Lock()
	c.deferred = false
	var err error
	if c.state != stateClosed {
		err = c.flush(now)
	}
	c.mu.Unlock()
	if err != nil {
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
	}
}

// over reports whether too much waits for this client. When the bound of the whole
// server is crossed, the slowest client pays. mu is held.
func (c *Conn) over() bool {
	q := c.out
	if q == nil {
		return false
	}
	// The first frame does not count: one may be larger than the bound, and it is what
	// waits behind it that is bounded.
	if q.bytes-q.first() > c.srv.opt.MaxBufferBytes || q.len() > c.srv.opt.MaxBufferFrames {
		return true
	}
	if c.srv.outbound.Load() > c.srv.opt.MaxOutbound {
		c.srv.notify(notice{kind: noticeEvict})
	}
	return false
}
