package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/socketio/internal/wheel"
)

// shardCount splits the table of connections; a power of two.
const shardCount = 16

// A Server is an http.Handler that speaks Engine.IO 4. Make one with NewServer; it is
// safe for concurrent use and owns the goroutines it starts until Close.
type Server struct {
	opt    Options
	accept func(*Conn) Session
	base   time.Time
	window int64 // ns

	wheel   *wheel.Wheel[Conn]
	lag     lagSet
	notices notices
	mergers []*merger
	shards  [shardCount]shard
	pollers pollerSet

	inbound  atomic.Int64 // bytes of unfinished messages
	outbound atomic.Int64 // bytes waiting to be sent
	conns    atomic.Int64 // connections that still hold anything
	draining atomic.Bool

	idle     chan struct{} // signalled when conns falls to zero
	wake     chan struct{} // signalled when conns leaves zero
	stop     chan struct{} // closed by Close
	stopOnce sync.Once
	workers  sync.WaitGroup
}

// shard is a part of the table of connections by session id.
type shard struct {
	mu   sync.Mutex
	byID map[sessionID]*Conn
}

// NewServer starts a server. accept is called for each new connection, before anything
// has been received, and returns the layer above it; it must be quick.
func NewServer(opt Options, accept func(*Conn) Session) *Server {
	opt = opt.withDefaults()
	s := &Server{
		opt: opt, accept: accept, base: opt.Now(), window: int64(opt.MergeWindow),
		idle: make(chan struct{}, 1), wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	s.wheel = wheel.New[Conn](tickFor(opt), 0)
	s.lag.conns = make(map[*Conn]struct{})
	s.notices.ready = make(chan struct{}, 1)
	for i := range s.shards {
		s.shards[i].byID = make(map[sessionID]*Conn)
	}
	n := opt.Pollers
	if n <= 0 {
		n = min(runtime.GOMAXPROCS(0), 8)
	}
	for range n {
		m := &merger{ready: make(chan struct{}, 1)}
		s.mergers = append(s.mergers, m)
		s.workers.Go(func() { m.run(s) })
	}
	s.workers.Go(s.runWheel)
	s.workers.Go(s.runNotices)
	s.startPollers(n)
	return s
}

// now is the clock in nanoseconds since the server's start.
func (s *Server) now() int64 { return int64(s.opt.Now().Sub(s.base)) }

// Conns is the number of open connections, those included that are saying goodbye.
func (s *Server) Conns() int { return int(s.conns.Load()) }

// Outbound is the number of bytes that wait for clients.
func (s *Server) Outbound() int64 { return s.outbound.Load() }

// EventDriven reports whether plain connections are served without goroutines of their own.
func (s *Server) EventDriven() bool { return s.pollers.active() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opt.CORS != nil {
		s.opt.CORS(w.Header(), r)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	if err := s.serve(w, r); err != nil {
		s.opt.Observer.Refused(refuse(w, err))
	}
}

// serve handles a request; an error has not been answered yet.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		return &RequestError{Status: http.StatusMethodNotAllowed, Code: CodeBadMethod, Message: "Method not allowed"}
	}
	if s.opt.AllowRequest != nil {
		if err := s.opt.AllowRequest(r); err != nil {
			return err
		}
	}
	transport, sid, err := parseQuery(r)
	if err != nil {
		return err
	}
	var c *Conn
	if sid != "" {
		if c = s.lookup(sid); c == nil {
			return errSession
		}
		if s.opt.CheckSession != nil {
			if err := s.opt.CheckSession(r, c.captured); err != nil {
				return err
			}
		}
	} else if r.Method != http.MethodGet {
		return errMethod
	}
	if transport == WebSocket {
		return s.serveUpgrade(w, r, c)
	}
	switch {
	case c == nil:
		return s.serveHandshake(w, r)
	case r.Method == http.MethodGet:
		return s.serveGet(w, r, c)
	case r.Method == http.MethodPost:
		return s.servePost(w, r, c)
	}
	return errMethod
}

// parseQuery checks the parameters of the protocol. Each may be given once.
func parseQuery(r *http.Request) (Transport, string, error) {
	q := r.URL.Query()
	for _, key := range []string{"EIO", "transport", "sid", "j"} {
		if len(q[key]) > 1 {
			return "", "", errRequest
		}
	}
	transport := Transport(q.Get("transport"))
	switch {
	case q.Has("j"): // JSONP is not offered
		return "", "", errRequest
	case q.Get("EIO") != "4":
		return "", "", errVersion
	case transport != Polling && transport != WebSocket:
		return "", "", errTransport
	}
	return transport, q.Get("sid"), nil
}

// serveHandshake opens a connection over long-polling.
func (s *Server) serveHandshake(w http.ResponseWriter, r *http.Request) error {
	if s.draining.Load() {
		return errDown
	}
	c, err := s.newConn(r)
	if err != nil {
		return err
	}
	c.poll = &polling{}
	payload := append([]byte{byte(packetOpen)}, s.openData(c)...)
	s.open(c)
	if err := writePlain(w, payload); err != nil {
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
	}
	return nil
}

// newConn makes a connection that nobody knows yet.
func (s *Server) newConn(r *http.Request) (*Conn, error) {
	c := &Conn{srv: s}
	if _, err := rand.Read(c.id[:]); err != nil {
		return nil, fmt.Errorf("make session id: %w", err)
	}
	if s.opt.Capture != nil {
		c.captured = s.opt.Capture(r)
	}
	return c, nil
}

// open makes a connection known and starts its heartbeat.
func (s *Server) open(c *Conn) {
	if s.conns.Add(1) == 1 {
		signal(s.wake)
	}
	s.opt.Observer.Opened(c.transport())
	c.session = s.accept(c)
	sh := s.shard(c.id)
	sh.mu.Lock()
	sh.byID[c.id] = c
	sh.mu.Unlock()
	c.mu.Lock()
	c.beat = s.now() + int64(s.opt.PingInterval)
	s.wheel.Set(&c.node, c, c.next())
	c.mu.Unlock()
	if s.draining.Load() { // Shutdown may have looked before the connection was known
		how := endGraceful
		select {
		case <-s.stop: // nobody would wait for the peer
			how = endAbort
		default:
		}
		c.end(&CloseError{Reason: ReasonShutdown}, how)
	}
}

// openData is the content of the open packet.
func (s *Server) openData(c *Conn) []byte {
	upgrades := []string{}
	if c.poll != nil {
		upgrades = []string{string(WebSocket)}
	}
	data, err := json.Marshal(struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{c.ID(), upgrades, s.opt.PingInterval.Milliseconds(), s.opt.PingTimeout.Milliseconds(), s.opt.MaxPayload})
	if err != nil {
		panic(fmt.Sprintf("marshal open packet: %v", err)) // strings and numbers cannot fail
	}
	return data
}

func (s *Server) shard(id sessionID) *shard { return &s.shards[id[0]&(shardCount-1)] }

func (s *Server) lookup(sid string) *Conn {
	var id sessionID
	if base64.URLEncoding.DecodedLen(len(sid)) != idBytes {
		return nil
	}
	if n, err := base64.URLEncoding.Decode(id[:], []byte(sid)); err != nil || n != idBytes {
		return nil
	}
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.byID[id]
}

func (s *Server) unregister(c *Conn) {
	sh := s.shard(c.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.byID, c.id)
}

// gone notes that a connection holds nothing any more.
func (s *Server) gone() {
	if s.conns.Add(-1) == 0 {
		signal(s.idle)
	}
}

// each calls f for every open connection, without holding a lock.
func (s *Server) each(f func(*Conn)) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		conns := make([]*Conn, 0, len(sh.byID))
		for _, c := range sh.byID {
			conns = append(conns, c)
		}
		sh.mu.Unlock()
		for _, c := range conns {
			f(c)
		}
	}
}

// Shutdown refuses new connections with 503, closes the open ones with 1012 and the
// given text after what waits for them has been sent, and returns when all are gone
// and every Session.Closed has returned, or with ctx's error. Close must still be called.
func (s *Server) Shutdown(ctx context.Context, text string) error {
	s.draining.Store(true)
	s.each(func(c *Conn) { c.end(&CloseError{Reason: ReasonShutdown, Text: text}, endGraceful) })
	for s.conns.Load() != 0 {
		select {
		case <-s.idle:
		case <-ctx.Done():
			return fmt.Errorf("shut down engine.io: %w", ctx.Err())
		}
	}
	return s.notices.settle(ctx)
}

// Close ends every connection at once and stops the server's goroutines.
func (s *Server) Close() error {
	s.draining.Store(true)
	s.each(func(c *Conn) { c.end(&CloseError{Reason: ReasonShutdown}, endAbort) })
	s.stopOnce.Do(func() { close(s.stop) })
	s.workers.Wait()
	for _, c := range s.wheel.Drain() { // those that were saying goodbye
		c.mu.Lock()
		c.destroy(true)
		c.mu.Unlock()
	}
	s.deliverNotices()
	return s.pollers.close()
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
