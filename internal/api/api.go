package api

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

// Deps are what the handler stands on.
type Deps struct {
	Service *service.Service
	Edge    *Edge
	// SocketIO answers /socket.io/; nil: nothing does.
	SocketIO http.Handler
	// Web holds the built web client, with index.html at its root; nil: there is none.
	Web fs.FS
	// Checks are asked by /readyz.
	Checks []Check
	// Limits are what clients are told.
	Limits wire.Limits
	// Signup is shown by GET /limits.
	Signup service.Signup
	// TrustedOrigins are further origins whose pages may send requests with the cookie.
	TrustedOrigins []string
	// Version is the server's, for the API's document.
	Version string
	Clock   func() time.Time
	Logger  *slog.Logger
	// Observe is told of every answered request, for metrics; nil: nobody is.
	Observe func(Answered)
}

// Check is one part that the node stands on.
type Check struct {
	Name string
	Ping func(context.Context) error
	// Spare says that the node is of use without this part, as long as one part
	// with the same name of Spare can be reached. Without it the node is not ready.
	Spare string
	// Minor says that the node is of use without this part in any case.
	Minor bool
}

// Answered is a request that was answered.
type Answered struct {
	Method  string
	Route   string // the pattern, never the path: its values are few
	Status  int
	Seconds float64
	Bytes   int64
}

// server is the handler. Everything in it is fixed once New returns.
type server struct {
	Deps
	mux    *http.ServeMux
	spec   *document
	web    *webFiles
	origin *http.CrossOriginProtection
	routes []operation
	absent absent // parts that /readyz missed
}

// New makes the handler of the whole port: REST, files, health, documentation,
// the web client and, where SocketIO is set, the sockets.
func New(d Deps) (http.Handler, error) {
	_, handler, err := newServer(d)
	return handler, err
}

func newServer(d Deps) (*server, http.Handler, error) {
	s := &server{Deps: d, mux: http.NewServeMux(), spec: newDocument(d.Version), origin: http.NewCrossOriginProtection()}
	if d.Service == nil || d.Edge == nil || d.Clock == nil || d.Logger == nil {
		return nil, nil, errors.New("make api: Service, Edge, Clock and Logger are needed")
	}
	for _, origin := range d.TrustedOrigins {
		if err := s.origin.AddTrustedOrigin(origin); err != nil {
			return nil, nil, err //nolint:wrapcheck // names the origin
		}
	}
	if d.Edge.public != nil {
		if err := s.origin.AddTrustedOrigin(d.Edge.Origin(nil)); err != nil {
			return nil, nil, err //nolint:wrapcheck // names the origin
		}
	}
	var err error
	if s.web, err = newWebFiles(d.Web); err != nil {
		return nil, nil, err
	}
	s.routeAuth()
	s.routeMe()
	s.routeUsers()
	s.routeConversations()
	s.routeMembers()
	s.routeMessages()
	s.routeSearch()
	s.routeInvites()
	s.routeBlocks()
	s.routePush()
	s.routeFiles()
	s.routeHealth()
	if err := s.routeDocs(); err != nil {
		return nil, nil, err
	}
	return s, s.protect(http.HandlerFunc(s.dispatch)), nil
}

// Server gives an HTTP server with bounded headers and times. Reading and writing
// as a whole are bounded for each route, for uploads and sockets take long.
func Server(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         nextRequest,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	maxHeaders     = 128
	// requestTimeout bounds a request other than an upload or a download: its body
	// has to arrive and its answer to be made in that time.
	requestTimeout = 10 * time.Second
)
