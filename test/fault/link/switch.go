package link

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Rule is how one direction passes bytes. The zero value passes them at once.
type Rule struct {
	Stall bool // nothing passes; the connection stays open
	Rate  int  // bytes a second; 0: as fast as they come
	Slice int  // at most so many bytes in one piece; 0: as they come
}

// Switch rules over connections. The zero value lets everything pass. It is safe for
// concurrent use.
type Switch struct {
	mu       sync.Mutex
	up, down Rule
	refuse   bool
	changed  chan struct{} // closed when a rule changes; nil until somebody waits
	conns    map[*conn]struct{}
	orphans  []net.Conn // closed by who dialled while nothing passed: the other side does not know
}

// Set makes the rules of both directions: up is from who dialled.
func (s *Switch) Set(up, down Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up, s.down = up, down
	s.tell()
	if !up.Stall {
		s.bury()
	}
}

// bury lets the other side know of the connections that are gone. mu is held.
func (s *Switch) bury() {
	for _, c := range s.orphans {
		_ = c.Close() // who dialled it has gone
	}
	s.orphans = nil
}

// Refuse has new connections refused, or lets them be made again.
func (s *Switch) Refuse(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// Heal lets everything pass again.
func (s *Switch) Heal() {
	s.Set(Rule{}, Rule{})
	s.Refuse(false)
}

// tell wakes who waits for a rule. mu is held.
func (s *Switch) tell() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Reset cuts all connections there are, as a reset of the peer does.
func (s *Switch) Reset() {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.bury()
	s.mu.Unlock()
	for _, c := range conns {
		c.reset()
	}
}

// Dial is net.Dialer's DialContext through the switch.
func (s *Switch) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	refuse := s.refuse
	s.mu.Unlock()
	if refuse {
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	c := &conn{Conn: nc, s: s, closed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	s.conns[c] = struct{}{}
	return c, nil
}

// rule gives the rule of a direction, and what tells of a change.
func (s *Switch) rule(up bool) (Rule, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.down
	if up {
		r = s.up
	}
	if r == (Rule{}) {
		return r, nil
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return r, s.changed
}

// conn is a connection under a switch.
type conn struct {
	net.Conn
	s      *Switch
	once   sync.Once
	closed chan struct{}

	readBy, writeBy atomic.Int64 // deadlines in Unix nanoseconds; 0: none
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, t.UnixNano())
}

// SetDeadline is net.Conn's: it holds while nothing passes, too.
func (c *conn) SetDeadline(t time.Time) error {
	c.readBy.Store(nanos(t))
	c.writeBy.Store(nanos(t))
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline is net.Conn's.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.readBy.Store(nanos(t))
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is net.Conn's.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writeBy.Store(nanos(t))
	return c.Conn.SetWriteDeadline(t)
}

// expiry gives when a direction's deadline is over; nil without one. One that is set
// later, while somebody waits, is not seen by who waits.
func (c *conn) expiry(up bool) <-chan time.Time {
	by := c.readBy.Load()
	if up {
		by = c.writeBy.Load()
	}
	if by == 0 {
		return nil
	}
	return time.After(time.Until(time.Unix(0, by)))
}

// Close ends the connection and whoever waits for a rule. While nothing passes upwards
// the other side is not told, as when a machine vanishes.
func (c *conn) Close() error {
	first := c.forget()
	c.s.mu.Lock()
	stalled := c.s.up.Stall
	if stalled && first {
		c.s.orphans = append(c.s.orphans, c.Conn)
	}
	c.s.mu.Unlock()
	if stalled {
		return c.Conn.SetDeadline(time.Unix(1, 0)) // whoever reads or writes comes back
	}
	return c.Conn.Close()
}

// forget takes the connection out of the switch, and reports whether it was in it.
func (c *conn) forget() (first bool) {
	c.once.Do(func() {
		first = true
		close(c.closed)
		c.s.mu.Lock()
		delete(c.s.conns, c)
		c.s.mu.Unlock()
	})
	return first
}

func (c *conn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // then closing sends a reset
	}
	_ = c.Conn.Close() // cut, whatever it says
	c.forget()
}

// pass waits until a direction lets something pass, and gives its rule.
func (c *conn) pass(up bool) (Rule, error) {
	for {
		r, changed := c.s.rule(up)
		if !r.Stall {
			return r, nil
		}
		select {
		case <-changed:
		case <-c.closed:
			return r, net.ErrClosed
		case <-c.expiry(up):
			return r, os.ErrDeadlineExceeded
		}
	}
}

// slow waits as long as n bytes take.
func (c *conn) slow(up bool, rate, n int) error {
	if rate <= 0 {
		return nil
	}
	_, changed := c.s.rule(up)
	select {
	case <-time.After(time.Duration(n) * time.Second / time.Duration(rate)):
	case <-changed:
	case <-c.closed:
		return net.ErrClosed
	}
	return nil
}

func (r Rule) piece(n int) int {
	if r.Slice > 0 {
		n = min(n, r.Slice)
	}
	if r.Rate > 0 {
		n = min(n, max(1, r.Rate/10))
	}
	return n
}

// Read gives bytes as the rule of the downward direction lets them pass.
func (c *conn) Read(b []byte) (int, error) {
	r, err := c.pass(false)
	if err != nil || len(b) == 0 {
		return 0, err
	}
	n, err := c.Conn.Read(b[:r.piece(len(b))])
	if n > 0 {
		// They may have come long after the rule was looked at.
		if _, err := c.pass(false); err != nil {
			return 0, err
		}
		if err := c.slow(false, r.Rate, n); err != nil {
			return 0, err
		}
	}
	return n, err //nolint:wrapcheck // io.EOF has to stay itself
}

// Write takes bytes as the rule of the upward direction lets them pass.
func (c *conn) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		r, err := c.pass(true)
		if err != nil {
			return written, err
		}
		n, err := c.Conn.Write(b[written : written+r.piece(len(b)-written)])
		written += n
		if err != nil {
			return written, err //nolint:wrapcheck // as net.Conn says it
		}
		if err := c.slow(true, r.Rate, n); err != nil {
			return written, err
		}
	}
	return written, nil
}
