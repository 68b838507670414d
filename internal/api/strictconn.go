package api

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Listen wraps a listener so that its connections refuse what net/http forgives
// and what a proxy in front may read in another way, which is how requests are
// smuggled (RFC 9112, sections 2.2, 5.2 and 6.3): lines that end without a
// carriage return, folded header lines, and a length beside a transfer coding.
// The server answers 400 and closes.
func Listen(l net.Listener) net.Listener { return strictListener{l} }

// nextRequest tells a connection that a request was answered; see http.Server.ConnState.
func nextRequest(c net.Conn, state http.ConnState) {
	if strict, ok := c.(*strictConn); ok && state == http.StateIdle {
		strict.resume()
	}
}

type strictListener struct{ net.Listener }

// Accept implements net.Listener.
func (l strictListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // net/http looks at its type
	}
	return &strictConn{Conn: c}, nil
}

// errHead is what net/http answers with 400.
var errHead = errors.New("malformed request head")

// strictConn follows the bytes of HTTP/1.1 requests as they are read. Only the
// goroutine that reads uses it.
type strictConn struct {
	net.Conn
	state  strictState
	line   []byte // the line so far, cut
	length int    // of the line so far
	left   int64  // bytes of the body or the chunk that are still to come
	head   head
	broken bool
	// rest is what came behind the head of a request that asks to upgrade. It may
	// belong to the other protocol, so nobody looks at it before it is known.
	rest []byte
}

type strictState uint8

const (
	inHead strictState = iota
	inBody
	inChunkSize
	inChunk
	inChunkEnd
	inTrailer
	upgrading // whether this goes on as HTTP is not known
)

// head is what is learnt of a request.
type head struct {
	started  bool // the request line was read
	old      bool // HTTP/1.0
	length   int64
	lengths  int
	chunked  bool
	upgrades bool
}

// maxStrictLine is how much of a line is kept. What matters is at its start.
const maxStrictLine = 256

// Read implements net.Conn.
func (c *strictConn) Read(p []byte) (int, error) {
	if c.broken {
		return 0, errHead
	}
	n, err := c.more(p)
	if c.state == upgrading {
		return n, err
	}
	used, ok := c.follow(p[:n])
	if !ok {
		// The server gets what precedes the fault, so that it knows of a request
		// which it can refuse; the error comes next.
		if c.broken = true; used == 0 {
			err = errHead
		}
		return used, err
	}
	if used < n {
		c.rest = append([]byte(nil), p[used:n]...)
	}
	return used, err //nolint:wrapcheck // net/http looks at its type
}

// more gives what was held back, or what comes.
func (c *strictConn) more(p []byte) (int, error) {
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// resume says that the last request was answered as HTTP: what comes is the next.
func (c *strictConn) resume() {
	if c.state == upgrading {
		c.state, c.head = inHead, head{}
	}
}

// plain gives the connection itself, and a reader that has what was read ahead
// of it, for another protocol to go on with.
func (c *strictConn) plain(rw *bufio.ReadWriter) (net.Conn, *bufio.ReadWriter, error) {
	if len(c.rest) == 0 {
		return c.Conn, rw, nil
	}
	ahead, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, fmt.Errorf("take the connection over: %w", err)
	}
	ahead = append(append([]byte(nil), ahead...), c.rest...)
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(ahead), c.Conn), max(len(ahead), minReader))
	if _, err := r.Peek(len(ahead)); err != nil {
		return nil, nil, fmt.Errorf("take the connection over: %w", err)
	}
	return c.Conn, bufio.NewReadWriter(r, rw.Writer), nil
}

// minReader is the least size of a reader that is handed over.
const minReader = 512

// follow reports whether the bytes are well formed, and how many of them the
// server may read now: all, those before what may not be HTTP, or those before
// the end of the faulty line.
func (c *strictConn) follow(b []byte) (used int, ok bool) {
	all := len(b)
	for len(b) > 0 {
		switch c.state {
		case upgrading:
			return all - len(b), true
		case inBody, inChunk:
			n := min(c.left, int64(len(b)))
			b, c.left = b[n:], c.left-n
			if c.left > 0 {
				return all, true
			}
			if c.state == inChunk {
				c.state = inChunkEnd
			} else {
				c.state, c.head = inHead, head{}
			}
		default:
			end := bytes.IndexByte(b, '\n')
			if end < 0 {
				c.keep(b)
				return all, true
			}
			c.keep(b[:end])
			if c.length == 0 || !c.lineEnds() {
				return all - len(b) + end, false
			}
			b = b[end+1:]
		}
	}
	return all, true
}

// keep adds to the line what fits. A carriage return at its end is never cut.
func (c *strictConn) keep(b []byte) {
	c.length += len(b)
	if len(c.line)+len(b) <= maxStrictLine {
		c.line = append(c.line, b...)
		return
	}
	c.line = append(c.line, b[:max(min(maxStrictLine-len(c.line), len(b)), 0)]...)
	c.line[len(c.line)-1] = b[len(b)-1]
}

// lineEnds looks at a whole line.
func (c *strictConn) lineEnds() bool {
	line, whole := c.line, c.length == len(c.line)
	c.line, c.length = c.line[:0], 0
	if line[len(line)-1] != '\r' {
		return false
	}
	line = line[:len(line)-1]
	switch c.state {
	case inChunkSize:
		return c.chunkSize(line)
	case inChunkEnd:
		c.state = inChunkSize
		return len(line) == 0
	case inTrailer:
		if len(line) == 0 {
			c.state, c.head = inHead, head{}
		}
		return true
	default:
		return c.headLine(line, whole)
	}
}

func (c *strictConn) chunkSize(line []byte) bool {
	size, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 62)
	if err != nil {
		return false
	}
	c.left, c.state = int64(n), inChunk
	if n == 0 {
		c.state = inTrailer
	}
	return true
}

func (c *strictConn) headLine(line []byte, whole bool) bool {
	switch {
	case !c.head.started:
		c.head.started = true
		c.head.old = bytes.HasSuffix(line, []byte("HTTP/1.0"))
		return len(line) > 0
	case len(line) == 0:
		return c.headEnds()
	case line[0] == ' ' || line[0] == '\t': // folded
		return false
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 62)
		c.head.length = int64(n)
		c.head.lengths++
		return err == nil && whole && c.head.lengths == 1
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		ok := !c.head.chunked && bytes.EqualFold(value, []byte("chunked"))
		c.head.chunked = true
		return ok
	case bytes.EqualFold(name, []byte("Upgrade")):
		c.head.upgrades = true
	}
	return true
}

func (c *strictConn) headEnds() bool {
	h := c.head
	switch {
	case h.chunked && (h.lengths > 0 || h.old):
		return false
	case h.upgrades:
		c.state = upgrading
	case h.chunked:
		c.state = inChunkSize
	case h.length > 0:
		c.state, c.left = inBody, h.length
	default:
		c.head = head{}
	}
	return true
}
