package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v3"
)

const (
	// maxStreams bounds the connections over TCP, and maxStreamsOf those of one address.
	maxStreams   = 1024
	maxStreamsOf = 64
	// unknown is how long a connection stays that has shown no credentials, whatever it
	// asks; knownIdle is how long others may say nothing, who renew their permissions every
	// five minutes.
	unknown   = 20 * time.Second
	knownIdle = 10 * time.Minute
	// slowest is how long a client may take for what is sent to it.
	slowest = 10 * time.Second
	// pause is how long is waited after an error of a socket that goes on.
	pause = 20 * time.Millisecond
)

var errNoFrame = errors.New("what the client sends is neither STUN nor channel data")

// door takes connections over TCP and holds the bounds. pion ends at the first error of
// a listener, so there is none before the listener is closed.
type door struct {
	net.Listener
	s *Server

	mu     sync.Mutex
	open   map[*stream]bool
	of     map[netip.Addr]int
	closed bool
}

func newDoor(l net.Listener, s *Server) *door {
	return &door{Listener: l, s: s, open: make(map[*stream]bool), of: make(map[netip.Addr]int)}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err //nolint:wrapcheck // of the socket
		}
		if err != nil { // out of file descriptors, or who came is gone
			select {
			case <-d.s.done:
				return nil, net.ErrClosed
			case <-time.After(pause):
			}
			continue
		}
		if st := d.enter(conn); st != nil {
			return st, nil
		}
		d.s.full.Add(1)
		_ = conn.Close() // nothing was sent
	}
}

func (d *door) enter(conn net.Conn) *stream {
	from := netip.Addr{}
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		from = a.AddrPort().Addr().Unmap()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.open) >= maxStreams || d.of[from] >= maxStreamsOf {
		return nil
	}
	st := &stream{Conn: conn, door: d, from: from, came: d.s.o.Clock(), r: bufio.NewReaderSize(conn, 2*maxPacket)}
	d.open[st] = true
	d.of[from]++
	return st
}

func (d *door) leave(st *stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open[st] {
		return
	}
	delete(d.open, st)
	if d.of[st.from]--; d.of[st.from] == 0 {
		delete(d.of, st.from)
	}
}

// closeAll ends all connections; none comes in after it.
func (d *door) closeAll() {
	d.mu.Lock()
	d.closed = true
	all := make([]*stream, 0, len(d.open))
	for st := range d.open {
		all = append(all, st)
	}
	d.mu.Unlock()
	for _, st := range all {
		_ = st.Close() // it may be closed already
	}
}

// stream is a connection over TCP as pion sees it: each read gives one frame, whole and
// of a length that can be. (pion's own reading of lengths near 64 KiB never ends.)
type stream struct {
	net.Conn
	door   *door
	from   netip.Addr
	r      *bufio.Reader
	came   time.Time
	signed bool // only Read uses it
}

// Read implements net.Conn.
func (st *stream) Read(p []byte) (int, error) {
	for {
		n, err := st.frame(p)
		if err != nil {
			return 0, err
		}
		v, answer, signed := st.door.s.check(p[:n], st.RemoteAddr())
		st.signed = st.signed || signed
		if v == pass || v == greet { // where an answer goes has been shown by the connection
			return n, nil
		}
		st.door.s.refused(v)
		if v == drop {
			return 0, errNoFrame
		}
		if _, err := st.Write(answer); err != nil {
			return 0, err
		}
	}
}

// frame reads one frame (RFC 8656 section 12.5: channel data is padded on TCP).
func (st *stream) frame(p []byte) (int, error) {
	until := st.came.Add(unknown)
	if st.signed {
		until = st.door.s.o.Clock().Add(knownIdle)
	}
	if err := st.SetReadDeadline(until); err != nil {
		return 0, fmt.Errorf("read from a client: %w", err)
	}
	head, err := st.r.Peek(4)
	if err != nil {
		return 0, err //nolint:wrapcheck // of the socket, or io.EOF
	}
	length := int(binary.BigEndian.Uint16(head[2:]))
	switch {
	case isChannelData(head):
		length = 4 + (length+3)/4*4
	case head[0]&0xc0 == 0 && length%4 == 0:
		length += 20
	default:
		st.door.s.refused(drop)
		return 0, errNoFrame
	}
	if length >= maxPacket || length > len(p) {
		st.door.s.refused(drop)
		return 0, errNoFrame
	}
	if _, err := io.ReadFull(st.r, p[:length]); err != nil {
		return 0, err //nolint:wrapcheck // of the socket
	}
	if !isChannelData(p) && !stun.IsMessage(p[:length]) {
		st.door.s.refused(drop)
		return 0, errNoFrame
	}
	return length, nil
}

// Write implements net.Conn. A client that does not read is let go of.
func (st *stream) Write(p []byte) (int, error) {
	if err := st.SetWriteDeadline(st.door.s.o.Clock().Add(slowest)); err != nil {
		return 0, fmt.Errorf("write to a client: %w", err)
	}
	n, err := st.Conn.Write(p)
	if err != nil {
		_ = st.Close() // the error says more
		return n, fmt.Errorf("write to a client: %w", err)
	}
	return n, nil
}

// Close implements net.Conn.
func (st *stream) Close() error {
	st.door.leave(st)
	return st.Conn.Close() //nolint:wrapcheck // of the socket
}
