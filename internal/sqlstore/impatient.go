package sqlstore

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// impatientConn is a connection on which no reading or writing takes longer than
// patience. A server whose process is stopped still acknowledges every packet, so
// that neither keep-alives nor the system's timeouts notice; nor does a
// statement_timeout, which the server itself has to look after.
//
// Deadlines that are set from outside hold besides, and end a call that waits.
type impatientConn struct {
	net.Conn
	patience time.Duration
	// lost is called when the other side has ended the connection.
	lost func()

	mu                   sync.Mutex // guards what follows, and the order of setting deadlines
	readUntil, sendUntil time.Time  // as set from outside; zero: never
}

// Read implements net.Conn.
func (c *impatientConn) Read(b []byte) (int, error) {
	if err := c.arm(c.Conn.SetReadDeadline, &c.readUntil); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		c.lost()
	}
	return n, err //nolint:wrapcheck // as the interface has it
}

// Write implements net.Conn.
func (c *impatientConn) Write(b []byte) (int, error) {
	if err := c.arm(c.Conn.SetWriteDeadline, &c.sendUntil); err != nil {
		return 0, err
	}
	return c.Conn.Write(b) //nolint:wrapcheck // as the interface has it
}

// arm sets the earlier one of the deadline from outside and our own.
func (c *impatientConn) arm(set func(time.Time) error, outside *time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(c.patience) //nolint:forbidigo // deadlines of the network are in the system's time
	if !outside.IsZero() && outside.Before(until) {
		until = *outside
	}
	return set(until)
}

// SetDeadline implements net.Conn.
func (c *impatientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readUntil, c.sendUntil = t, t
	return c.Conn.SetDeadline(t) //nolint:wrapcheck // as the interface has it
}

// SetReadDeadline implements net.Conn.
func (c *impatientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readUntil = t
	return c.Conn.SetReadDeadline(t) //nolint:wrapcheck // as the interface has it
}

// SetWriteDeadline implements net.Conn.
func (c *impatientConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendUntil = t
	return c.Conn.SetWriteDeadline(t) //nolint:wrapcheck // as the interface has it
}
