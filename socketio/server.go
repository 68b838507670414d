package socketio

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/socketio/engineio"
)

// A Server is an http.Handler that speaks Socket.IO. Make one with NewServer; it is safe
// for concurrent use once its handlers are registered.
type Server struct {
	opt        Options
	engine     *engineio.Server
	log        *slog.Logger
	connects   pool
	maxPayload int
	heldLimit  int
	stats      counters

	mu         sync.RWMutex
	namespaces map[string]*Namespace
}

type counters struct {
	events, unknown, invalid, strayAcks, panics atomic.Int64
}

// Stats are counts since the server's start, and gauges.
type Stats struct {
	Connections   int   // open now, including those saying goodbye
	OutboundBytes int64 // waiting for clients now
	Events        int64 // received
	UnknownEvents int64 // of those, without a handler
	Invalid       int64 // of those, with a payload that could not be decoded
	StrayAcks     int64 // acknowledgements nobody asked for
	Panics        int64 // of handlers
}

// NewServer makes a server and starts its goroutines, whose number does not depend on
// the connections; Close ends them.
func NewServer(opt Options) *Server {
	opt = opt.withDefaults()
	s := &Server{
		opt: opt, log: opt.Engine.Logger, namespaces: make(map[string]*Namespace),
		connects:   pool{limit: opt.ConnectWorkers, queue: opt.ConnectQueue},
		maxPayload: opt.Engine.MaxPayload, heldLimit: opt.Engine.MaxBufferFrames,
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.maxPayload == 0 {
		s.maxPayload = 1_000_000
	}
	if s.heldLimit == 0 {
		s.heldLimit = 512
	}
	s.engine = engineio.NewServer(opt.Engine, s.accept)
	return s
}

// accept makes the layer above a new connection.
func (s *Server) accept(c *engineio.Conn) engineio.Session {
	p := &peer{srv: s, conn: c}
	p.connectBy = c.Now() + int64(s.opt.ConnectTimeout)
	p.wakeBy(p.connectBy)
	return p
}

// Of returns the namespace with the given name, making it on the first call. Clients
// can connect to namespaces that exist.
func (s *Server) Of(name string) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	ns := s.namespaces[name]
	if ns == nil {
		ns = &Namespace{
			srv: s, name: name, seed: maphash.MakeSeed(),
			handlers: make(map[string]func(*Socket, Message, Ack)),
		}
		s.namespaces[name] = ns
	}
	return ns
}

func (s *Server) find(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

func (s *Server) randomID(id *[15]byte) error {
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("make socket id: %w", err)
	}
	return nil
}

// ServeHTTP implements http.Handler. Mount it at /socket.io/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Stats returns the server's counts.
func (s *Server) Stats() Stats {
	return Stats{
		Connections: s.engine.Conns(), OutboundBytes: s.engine.Outbound(),
		Events: s.stats.events.Load(), UnknownEvents: s.stats.unknown.Load(), Invalid: s.stats.invalid.Load(),
		StrayAcks: s.stats.strayAcks.Load(), Panics: s.stats.panics.Load(),
	}
}

// EventDriven reports whether plain connections are served without goroutines of their own.
func (s *Server) EventDriven() bool { return s.engine.EventDriven() }

// Shutdown refuses new connections with 503, lets what waits for clients be sent, closes
// their connections with code 1012 and the given reason, and returns when all
// OnDisconnect handlers have returned, or with ctx's error. Close must still be called.
func (s *Server) Shutdown(ctx context.Context, reason string) error {
	if err := s.engine.Shutdown(ctx, reason); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		s.connects.idle.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("await connect handlers: %w", ctx.Err())
	}
	// Sockets whose OnConnect ended only now have an OnDisconnect to come.
	return s.engine.Shutdown(ctx, reason)
}

// Close ends all connections at once and stops the server's goroutines.
func (s *Server) Close() error {
	if err := s.engine.Close(); err != nil {
		return fmt.Errorf("close engine.io: %w", err)
	}
	return nil
}
