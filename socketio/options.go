package socketio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/parley-chat/parley/socketio/engineio"
)

// The types of the layer below that an application meets.
type (
	// EngineOptions are the settings of transports and connections.
	EngineOptions = engineio.Options
	// RequestError refuses an HTTP request with a status, code and message.
	RequestError = engineio.RequestError
	// CloseError ends a connection with a code and a reason.
	CloseError = engineio.CloseError
	// Reason says why a socket was disconnected.
	Reason = engineio.Reason
	// Observer counts connections and refusals.
	Observer = engineio.Observer
	// Transport is polling or websocket.
	Transport = engineio.Transport
)

// The reasons a socket can be disconnected for.
const (
	ReasonTransportClose = engineio.ReasonTransportClose
	ReasonTransportError = engineio.ReasonTransportError
	ReasonPingTimeout    = engineio.ReasonPingTimeout
	ReasonClientClose    = engineio.ReasonClientClose
	ReasonServerClose    = engineio.ReasonServerClose
	ReasonShutdown       = engineio.ReasonShutdown
	ReasonBadPacket      = engineio.ReasonBadPacket
	ReasonTooBig         = engineio.ReasonTooBig
	ReasonRateLimited    = engineio.ReasonRateLimited
	ReasonSlowConsumer   = engineio.ReasonSlowConsumer
	ReasonSlowProducer   = engineio.ReasonSlowProducer
	ReasonOverloaded     = engineio.ReasonOverloaded

	// ReasonClientDisconnect: the client left the namespace.
	ReasonClientDisconnect Reason = "client_disconnect"
	// ReasonServerDisconnect: Socket.Disconnect was called.
	ReasonServerDisconnect Reason = "server_disconnect"
	// ReasonConnectTimeout: the client joined no namespace in time.
	ReasonConnectTimeout Reason = "connect_timeout"
)

// ErrClosed is returned by sends to a socket that is gone, ErrDropped by volatile sends
// to a socket that is not keeping up.
var (
	ErrClosed  = engineio.ErrClosed
	ErrDropped = engineio.ErrDropped
)

// Options are a server's settings. The zero value of a field stands for its default.
type Options struct {
	// Engine are the settings of transports and connections.
	Engine EngineOptions
	// ConnectTimeout is how long a connection may be without a namespace. Default 3 s.
	ConnectTimeout time.Duration
	// MaxAuth bounds the auth payload of a CONNECT packet, in bytes. Default 16 KiB.
	MaxAuth int
	// MaxUnknown is how many unknown events a socket may send in a minute. Default 10.
	MaxUnknown int
	// MaxOffences is how many packets without effect a connection may send in its life:
	// unknown namespaces, acknowledgements nobody asked for. Default 10.
	MaxOffences int
	// MaxPendingAcks bounds the acknowledgements a socket owes. Default 256.
	MaxPendingAcks int
	// ConnectWorkers OnConnect handlers run at a time, ConnectQueue more wait; beyond
	// that CONNECT is answered with the error code "overloaded". Defaults 64 and 4096.
	ConnectWorkers, ConnectQueue int
	// Decode decodes the payloads of handlers registered with On. It must not keep data.
	// Default json.Unmarshal.
	Decode func(data []byte, into any) error
	// OnBehind is told that more than the soft bound waits for a socket, OnCaughtUp that
	// nothing waits any more. They run on a goroutine of the server that holds no locks
	// and must be quick.
	OnBehind, OnCaughtUp func(*Socket)
	// OnPanic is told of a handler's panic, for instance to acknowledge the event with an
	// error; the panic is logged in any case. For OnConnect and OnDisconnect handlers
	// event is "connect" and "disconnect", and there is no ack.
	OnPanic func(s *Socket, event string, value any, ack Ack)
}

func (o Options) withDefaults() Options {
	setDefault(&o.ConnectTimeout, 3*time.Second)
	setDefault(&o.MaxAuth, 16<<10)
	setDefault(&o.MaxUnknown, 10)
	setDefault(&o.MaxOffences, 10)
	setDefault(&o.MaxPendingAcks, 256)
	setDefault(&o.ConnectWorkers, 64)
	setDefault(&o.ConnectQueue, 4096)
	if o.Decode == nil {
		o.Decode = json.Unmarshal
	}
	return o
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// AllowOrigins makes an EngineOptions.AllowRequest that refuses requests of web pages
// from elsewhere: an Origin header must name the host the request was sent to, or be
// one of origins ("https://chat.example"). Requests without one, which browsers do not
// send across origins, are let through. The answer is 403.
func AllowOrigins(origins ...string) func(*http.Request) error {
	return func(r *http.Request) error {
		values := r.Header["Origin"]
		if len(values) == 0 {
			return nil
		}
		refused := &RequestError{Status: http.StatusForbidden, Code: engineio.CodeForbidden, Message: "Forbidden"}
		if len(values) > 1 {
			return refused
		}
		if slices.Contains(origins, values[0]) {
			return nil
		}
		u, err := url.Parse(values[0])
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return refused
		}
		return nil
	}
}
