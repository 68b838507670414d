package api

import (
	"bytes"
	"errors"
	"net"
	"strconv"
)

// Listen wraps a listener so that its connections refuse what net/http forgives
// and what a proxy in front may read in another way, which is how requests are
// smuggled (RFC 9112, sections 2.2, 5.2 and 6.3): lines that end without a
// carriage return, folded header lines, and a length beside a transfer coding.
// The server answers 400 and closes.
func Listen(l net.Listener) net.Listener { return strictListener{l} }

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
}

type strictState uint8

const (
	inHead strictState = iota
	inBody
	inChunkSize
	inChunk
	inChunkEnd
	inTrailer
	upgraded // not HTTP any more
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
	n, err := c.Conn.Read(p)
	if c.state != upgraded && !c.follow(p[:n]) {
		c.broken = true
		return 0, errHead
	}
	return n, err //nolint:wrapcheck // net/http looks at its type
}

// follow reports whether the bytes are well formed so far.
func (c *strictConn) follow(b []byte) bool {
	for len(b) > 0 {
		switch c.state {
		case upgraded:
			return true
		case inBody, inChunk:
			n := min(c.left, int64(len(b)))
			b, c.left = b[n:], c.left-n
			if c.left > 0 {
				return true
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
				return true
			}
			c.keep(b[:end])
			b = b[end+1:]
			if c.length == 0 || !c.lineEnds() {
				return false
			}
		}
	}
	return true
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
		c.state = upgraded
	case h.chunked:
		c.state = inChunkSize
	case h.length > 0:
		c.state, c.left = inBody, h.length
	default:
		c.head = head{}
	}
	return true
}
