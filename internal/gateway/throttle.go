package gateway

import (
	"net/http"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/socketio"
)

// maxThrottled bounds the addresses that are remembered. When more come at once,
// those remembered are forgotten: limits protect the node, they are no permissions.
const maxThrottled = 1 << 16

// throttle counts what one address tries without being logged in.
type throttle struct {
	handshakes, failures rate

	mu sync.Mutex
	by map[string]*attempts
}

type rate struct{ perSecond, burst float64 }

type attempts struct{ handshakes, failures bucket }

func newThrottle(o *Options) *throttle {
	return &throttle{
		handshakes: rate{o.HandshakesPerSecond, o.HandshakeBurst},
		failures:   rate{o.FailuresPerMinute / 60, o.FailuresPerMinute},
		by:         make(map[string]*attempts),
	}
}

// of gives the counts of an address. mu is held.
func (t *throttle) of(address string) *attempts {
	a := t.by[address]
	if a == nil {
		if len(t.by) >= maxThrottled {
			clear(t.by)
		}
		a = &attempts{}
		t.by[address] = a
	}
	return a
}

// handshake counts a new connection and gives how long the address has to wait.
func (t *throttle) handshake(address string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of(address).handshakes.take(now, t.handshakes.perSecond, t.handshakes.burst)
}

// accepted takes a connection out of the count: it has shown who it is.
func (t *throttle) accepted(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.by[address]; a != nil {
		a.handshakes.refund()
	}
}

// mayTry refuses an address that failed too often of late.
func (t *throttle) mayTry(address string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.by[address]
	if a == nil {
		return nil
	}
	if wait := a.failures.peek(now, t.failures.perSecond, t.failures.burst); wait > 0 {
		e := *chat.ErrRateLimited
		e.RetryAfter = wait
		return &e
	}
	return nil
}

func (t *throttle) failed(address string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(address).failures.take(now, t.failures.perSecond, t.failures.burst)
}

// allowHandshake refuses new connections of an address that opens too many
// without showing who it is; see socketio.Options.
func (g *Gateway) allowHandshake(r *http.Request) error {
	if r.URL.Query().Has("sid") {
		return nil
	}
	if wait := g.throttle.handshake(service.AddressKey(g.opt.RequestAddress(r)), g.opt.Now()); wait > 0 {
		return &socketio.RequestError{Status: http.StatusTooManyRequests, Code: 4, Message: "rate_limited", RetryAfter: wait}
	}
	return nil
}
