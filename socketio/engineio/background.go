package engineio

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// runWheel is the goroutine that serves all deadlines.
func (s *Server) runWheel() {
	ticker := time.NewTicker(s.wheel.Tick())
	defer ticker.Stop()
	var due []*Conn
	for {
		if s.conns.Load() == 0 {
			ticker.Stop()
			select {
			case <-s.wake:
				ticker.Reset(s.wheel.Tick())
			case <-s.stop:
				return
			}
		}
		select {
		case <-ticker.C:
		case <-s.stop:
			return
		}
		now := s.now()
		due = s.wheel.Collect(due[:0], now)
		for i, c := range due {
			c.tick(now)
			due[i] = nil
		}
	}
}

type noticeKind uint8

const (
	noticeClosed noticeKind = iota
	noticeBehind
	noticeCaughtUp
	noticeEvict
	noticeCall
)

// notice is something the layer above is told on a goroutine of its own, because it
// happens while a publisher may hold locks.
type notice struct {
	c      *Conn
	kind   noticeKind
	reason Reason
	call   func()
}

// notices is the queue of them. Each connection adds one when it falls behind, catches
// up, is closed, and one for each call of Later, so the queue is in proportion to the
// connections and needs no bound of its own.
type notices struct {
	mu    sync.Mutex
	queue []notice
	spare []notice
	busy  bool
	evict bool
	ready chan struct{}
	quiet []chan struct{}
}

// Later calls f on a goroutine that holds nobody's locks, never at the same time as
// Session.Message of this connection, and before Session.Closed when called before the
// connection ends. f must be quick.
func (c *Conn) Later(f func()) {
	c.srv.notify(notice{c: c, kind: noticeCall, call: f})
}

func (s *Server) notify(n notice) {
	q := &s.notices
	q.mu.Lock()
	if n.kind == noticeEvict {
		if q.evict {
			q.mu.Unlock()
			return
		}
		q.evict = true
	}
	q.queue = append(q.queue, n)
	q.mu.Unlock()
	signal(q.ready)
}

func (s *Server) runNotices() {
	for {
		select {
		case <-s.notices.ready:
			s.deliverNotices()
		case <-s.stop:
			return
		}
	}
}

// deliverNotices empties the queue.
func (s *Server) deliverNotices() {
	q := &s.notices
	for {
		q.mu.Lock()
		batch := q.queue
		q.queue, q.spare, q.busy, q.evict = q.spare[:0], nil, len(batch) > 0, false
		if !q.busy {
			for _, ch := range q.quiet {
				close(ch)
			}
			q.quiet = nil
		}
		q.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for i := range batch {
			s.deliver(batch[i])
			batch[i] = notice{}
		}
		q.mu.Lock()
		if cap(batch) <= 4096 {
			q.spare = batch
		}
		q.mu.Unlock()
	}
}

func (s *Server) deliver(n notice) {
	switch n.kind {
	case noticeBehind:
		n.c.session.Behind()
	case noticeCaughtUp:
		n.c.session.CaughtUp()
	case noticeClosed:
		n.c.inMu.Lock() // after the last Message
		defer n.c.inMu.Unlock()
		n.c.mu.Lock()
		p := n.c.pipe
		n.c.mu.Unlock()
		if p != nil {
			p.forget()
		}
		n.c.session.Closed(n.reason)
	case noticeCall:
		n.c.inMu.Lock()
		defer n.c.inMu.Unlock()
		n.call()
	case noticeEvict:
		if s.outbound.Load() <= s.opt.MaxOutbound {
			return // somebody has read meanwhile, or has been closed
		}
		if c := s.lag.slowest(); c != nil {
			c.end(&CloseError{Reason: ReasonSlowConsumer}, endAbort)
		}
	}
}

// settle waits until the queue is empty and nothing is being delivered.
func (q *notices) settle(ctx context.Context) error {
	q.mu.Lock()
	if len(q.queue) == 0 && !q.busy {
		q.mu.Unlock()
		return nil
	}
	ch := make(chan struct{})
	q.quiet = append(q.quiet, ch)
	q.mu.Unlock()
	signal(q.ready)
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("settle engine.io sessions: %w", ctx.Err())
	}
}

// lagSet knows the connections beyond their soft bound.
type lagSet struct {
	mu    sync.Mutex
	conns map[*Conn]struct{}
}

func (l *lagSet) add(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
}

func (l *lagSet) remove(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// slowest is the connection for which most waits.
func (l *lagSet) slowest() *Conn {
	l.mu.Lock()
	conns := make([]*Conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	var worst *Conn
	most := -1
	for _, c := range conns {
		if n, _ := c.Buffered(); n > most {
			worst, most = c, n
		}
	}
	return worst
}

// A merger lets mergeable frames wait for a window and then writes what has come
// together, one write for each connection.
type merger struct {
	mu    sync.Mutex
	conns []*Conn
	ready chan struct{}
}

// merger is the one in charge of a connection.
func (s *Server) merger(c *Conn) *merger { return s.mergers[int(c.id[1])%len(s.mergers)] }

func (m *merger) add(c *Conn) {
	m.mu.Lock()
	first := len(m.conns) == 0
	m.conns = append(m.conns, c)
	m.mu.Unlock()
	if first {
		signal(m.ready)
	}
}

func (m *merger) run(s *Server) {
	var spare []*Conn
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-m.ready:
		case <-s.stop:
			return
		}
		timer.Reset(s.opt.MergeWindow)
		select {
		case <-timer.C:
		case <-s.stop:
			return
		}
		m.mu.Lock()
		batch := m.conns
		m.conns = spare[:0]
		m.mu.Unlock()
		now := s.now()
		for i, c := range batch {
			c.merge(now)
			batch[i] = nil
		}
		spare = batch
	}
}
