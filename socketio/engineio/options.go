package engineio

import (
	"log/slog"
	"net/http"
	"time"
)

// Options are a server's settings. The zero value of a field stands for its default.
type Options struct {
	// PingInterval is the time between two pings of the server. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long an upgrade to WebSocket may take. Default 10 s.
	UpgradeTimeout time.Duration
	// BodyTimeout is how long the body of a POST may take to arrive, and how long an
	// unfinished WebSocket message may stay unfinished. Default 8 s.
	BodyTimeout time.Duration
	// CloseTimeout is how long a WebSocket peer has to answer a close frame. Default 2 s.
	CloseTimeout time.Duration
	// MaxPayload bounds one message, and the body of one POST, in bytes. Default 1,000,000.
	MaxPayload int
	// MaxInbound bounds the unfinished messages of all connections, in bytes.
	// Default 64 MiB; the connection that crosses it is closed (overloaded).
	MaxInbound int64
	// MaxControl bounds pings and pongs from one client in one second. Default 100.
	MaxControl int

	// MaxBufferBytes, MaxBufferFrames and FlushTimeout bound what waits for one
	// client: more, or anything waiting longer, closes it with ReasonSlowConsumer.
	// Defaults 256 KiB, 512, 10 s.
	MaxBufferBytes, MaxBufferFrames int
	FlushTimeout                    time.Duration
	// BehindBytes and BehindFrames are the soft bound that makes Session.Behind be
	// called. Defaults 64 KiB, 128.
	BehindBytes, BehindFrames int
	// MaxOutbound bounds what waits for all clients together, in bytes; the slowest
	// is closed first. Default 256 MiB.
	MaxOutbound int64
	// MergeWindow lets mergeable frames for a connection that was written to within
	// the window wait for its end, so that several become one write. Default 3 ms;
	// negative switches it off.
	MergeWindow time.Duration

	// AllowRequest is asked for every request before anything else is done with it:
	// handshakes, polls, posts and upgrades. An error refuses it; a *RequestError
	// chooses the answer, any other gives 403. It may block.
	AllowRequest func(*http.Request) error
	// Capture chooses what to keep of the handshake request; the request itself is
	// not retained.
	Capture func(*http.Request) any
	// CheckSession is asked for every later request that names a session, with what
	// Capture kept of the first one. An error refuses the request and leaves the
	// session alone.
	CheckSession func(r *http.Request, captured any) error
	// CORS, when set, sets the headers of cross-origin answers; OPTIONS requests are
	// then answered with 204.
	CORS func(h http.Header, r *http.Request)

	// Logger takes what an operator should know. Default slog.Default().
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Portable forces the model with a goroutine per connection.
	Portable bool
	// Pollers is the number of epoll goroutines. Default GOMAXPROCS, at most 8.
	Pollers int
	// Observer is told of what happens, for metrics. It must not block.
	Observer Observer
}

// An Observer counts. Its methods are called from many goroutines.
type Observer interface {
	// Opened and Closed frame a connection's life.
	Opened(transport Transport)
	Closed(transport Transport, reason Reason)
	// Refused counts requests that were answered with an HTTP error.
	Refused(status int)
}

type nopObserver struct{}

func (nopObserver) Opened(Transport)         {}
func (nopObserver) Closed(Transport, Reason) {}
func (nopObserver) Refused(int)              {}

func (o Options) withDefaults() Options {
	setDuration(&o.PingInterval, 25*time.Second)
	setDuration(&o.PingTimeout, 20*time.Second)
	setDuration(&o.UpgradeTimeout, 10*time.Second)
	setDuration(&o.BodyTimeout, 8*time.Second)
	setDuration(&o.CloseTimeout, 2*time.Second)
	setDuration(&o.FlushTimeout, 10*time.Second)
	setInt(&o.MaxPayload, 1_000_000)
	setInt(&o.MaxControl, 100)
	setInt(&o.MaxBufferBytes, 256<<10)
	setInt(&o.MaxBufferFrames, 512)
	setInt(&o.BehindBytes, 64<<10)
	setInt(&o.BehindFrames, 128)
	if o.MaxInbound == 0 {
		o.MaxInbound = 64 << 20
	}
	if o.MaxOutbound == 0 {
		o.MaxOutbound = 256 << 20
	}
	if o.MergeWindow == 0 {
		o.MergeWindow = 3 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observer == nil {
		o.Observer = nopObserver{}
	}
	return o
}

func setDuration(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

func setInt(n *int, def int) {
	if *n == 0 {
		*n = def
	}
}
