package gateway

import (
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/socketio"
)

// The states of a socket in which an event does not simply go out.
const (
	connHeld    uint32 = 1 << iota // ready has not been sent; events wait behind it
	connBehind                     // too much waits for the client; entries are left out
	connMissed                     // an entry was left out: resync when it has caught up
	connGone                       // revoked or told to go: nothing goes out any more
	connRevoked                    // its session has ended
)

// maxHeld bounds the frames that wait for a socket's ready.
const maxHeld = 256

// conn is one socket. It is small, because most are silent: what only some need
// hangs behind more.
type conn struct {
	socket  *socketio.Socket
	user    *user
	next    atomic.Pointer[conn] // in user.first
	flags   atomic.Uint32
	waiting atomic.Int32 // requests that wait for the store
	session service.Principal
	held    atomic.Pointer[held] // while connHeld
	more    *connMore
}

// held are the frames that wait for ready.
type held struct {
	mu       sync.Mutex
	frames   []*socketio.Frame
	overflow bool
	released bool
}

// connMore is what a socket needs once it does something. It belongs to the
// socket's event handlers, which run one at a time, except where it says otherwise.
type connMore struct {
	requests bucket
	commands commandLanes
	watch    watch
	caller   *caller // nil until the socket has to do with calls
}

// extra gives connMore, made when first needed. Only event handlers call it.
func (c *conn) extra() *connMore {
	if c.more == nil {
		c.more = &connMore{}
	}
	return c.more
}

// send writes a frame to the socket, or treats it as the socket's state asks.
// It does not wait. A socket that is closing or was cut as a slow consumer is taken
// out by its OnDisconnect: errors of writing have nobody to be told.
func (c *conn) send(f *socketio.Frame) {
	if c.flags.Load() == 0 || c.passes(f) {
		_ = c.socket.Send(f) // see above
	}
}

// sendMergeable is send for frames that may wait a moment to share a write with others.
func (c *conn) sendMergeable(f *socketio.Frame) {
	if c.flags.Load() == 0 || c.passes(f) {
		_ = c.socket.SendMergeable(f) // see send
	}
}

// passes reports whether a frame goes out in the socket's state. If not, it has
// been dealt with.
func (c *conn) passes(f *socketio.Frame) bool {
	flags := c.flags.Load()
	switch {
	case flags&connGone != 0:
		return false
	case flags&connHeld != 0 && c.held.Load().push(f):
		return false
	case flags&connBehind != 0:
		c.flags.Or(connMissed)
		return false
	}
	return true
}

// sendVolatile writes a frame that is worthless later.
func (c *conn) sendVolatile(f *socketio.Frame) {
	if c.flags.Load() == 0 {
		_ = c.socket.SendVolatile(f) // see send
	}
}

// push keeps a frame for after ready; false says that ready has gone out. A nil
// one says so too.
func (h *held) push(f *socketio.Frame) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.released:
		return false
	case len(h.frames) >= maxHeld:
		h.overflow = true
	default:
		h.frames = append(h.frames, f)
	}
	return true
}

// release sends ready and then what waited, and lets later frames pass.
func (c *conn) release(ready, resync *socketio.Frame) {
	h := c.held.Load()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range append([]*socketio.Frame{ready}, h.frames...) {
		_ = c.socket.Send(f) // see send
	}
	if h.overflow {
		_ = c.socket.Send(resync) // see send
	}
	h.frames, h.released = nil, true
	c.flags.And(^connHeld)
	c.held.Store(nil)
}
