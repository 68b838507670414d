package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"runtime/debug"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// protect is what every request passes: the panics of one harm no other, the
// host, the path and the origin are checked, headers protect the browser, and
// one line in the log tells what happened.
func (s *server) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Clock()
		rec := &recorder{ResponseWriter: w}
		ctx := context.WithValue(r.Context(), tripKey{}, &trip{})
		r = r.WithContext(ctx)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value, compared as net/http does
					panic(p)
				}
				s.Logger.ErrorContext(ctx, "panic", "method", r.Method, "route", tripOf(r).route, "value", fmt.Sprint(p), "stack", string(debug.Stack()))
				if rec.status == 0 {
					s.refuse(rec, r, chat.ErrInternal)
				}
			}
			s.finish(rec, r, s.Clock().Sub(start).Seconds())
		}()
		s.secureHeaders(rec, r)
		if err := s.admit(r); err != nil {
			s.refuse(rec, r, err)
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// admit refuses what no route would take.
func (s *server) admit(r *http.Request) error {
	n := 0
	for _, values := range r.Header {
		n += len(values)
	}
	if n > maxHeaders {
		return errHeaders
	}
	if !goodPath(r) {
		return errBadPath
	}
	if !s.Edge.knowsHost(r) && !probe(r.URL.Path) {
		return errMisdirected
	}
	if err := s.origin.Check(r); err != nil {
		return errCrossOrigin
	}
	return nil
}

// probe reports whether a path is asked by machines that do not know the public name.
func probe(p string) bool { return p == "/healthz" || p == "/readyz" }

// goodPath refuses paths that mean something else to somebody: with a NUL, a
// backslash, an empty or a dotted segment, or not UTF-8.
func goodPath(r *http.Request) bool {
	p := r.URL.Path
	if p == "" || p[0] != '/' || strings.ContainsAny(p, "\x00\\") || strings.Contains(p, "//") || strings.ToValidUTF8(p, "") != p {
		return false
	}
	clean := path.Clean(p)
	return clean == p || clean+"/" == p
}

// permissions are what pages may ask people for: what calls need, for our own pages
// and no frames of others, and nothing else.
const permissions = "camera=(self), microphone=(self), display-capture=(self), picture-in-picture=(self), " +
	"geolocation=(), payment=(), usb=(), serial=(), bluetooth=(), midi=()"

// secureHeaders sets what protects a browser. Handlers may replace the policy.
func (s *server) secureHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Permissions-Policy", permissions)
	if s.Edge.Secure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// finish logs a request and counts it. Neither path nor query is in it where
// they could hold something about people: the route and the ids are enough.
func (s *server) finish(rec *recorder, r *http.Request, seconds float64) {
	t := tripOf(r)
	if rec.hijacked {
		return
	}
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	if s.Observe != nil {
		s.Observe(Answered{Method: methodLabel(r.Method), Route: t.route, Status: rec.status, Seconds: seconds, Bytes: rec.bytes})
	}
	level := slog.LevelInfo
	if t.quiet && rec.status < http.StatusInternalServerError {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("route", t.route), slog.Int("status", rec.status),
		slog.Float64("seconds", seconds), slog.Int64("bytes", rec.bytes), slog.String("address", s.Edge.Address(r)),
	}
	if !t.user.IsZero() {
		attrs = append(attrs, slog.String("user_id", t.user.String()))
	}
	s.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// methodLabel keeps the labels of metrics few, whatever clients send.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// trip is what is learnt of a request on its way in, for the log line on its way out.
type trip struct {
	route string
	user  chat.UserID
	quiet bool
}

type tripKey struct{}

func tripOf(r *http.Request) *trip {
	if t, ok := r.Context().Value(tripKey{}).(*trip); ok {
		return t
	}
	return &trip{}
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status   int
	bytes    int64
	hijacked bool
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err //nolint:wrapcheck // a writer's own error
}

// Unwrap lets http.ResponseController reach what is below.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher.
func (w *recorder) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Hijack implements http.Hijacker, which WebSocket upgrades need.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h, ok := w.ResponseWriter.(http.Hijacker)
	if !ok {
		return nil, nil, errors.New("the connection cannot be taken over")
	}
	w.hijacked = true
	conn, rw, err := h.Hijack()
	if strict, ok := conn.(*strictConn); ok && err == nil {
		return strict.plain(rw) // not HTTP any more; the transport wants the descriptor
	}
	return conn, rw, err //nolint:wrapcheck // passed through
}

// dispatch finds the route. The web client answers what nothing else does.
func (s *server) dispatch(w http.ResponseWriter, r *http.Request) {
	t := tripOf(r)
	if s.SocketIO != nil && strings.HasPrefix(r.URL.Path, "/socket.io/") {
		t.route, t.quiet = "/socket.io/", true
		// The transport sets its own caching and has no page to protect.
		s.SocketIO.ServeHTTP(w, r)
		return
	}
	h, pattern := s.mux.Handler(r)
	if pattern != "" {
		_, t.route, _ = strings.Cut(pattern, " ")
		if t.route == "" {
			t.route = pattern
		}
		s.mux.ServeHTTP(w, r)
		return
	}
	if allow := allowed(h, r); allow != "" {
		t.route = "method"
		w.Header().Set("Allow", allow)
		s.refuse(w, r, errMethod)
		return
	}
	if s.web != nil && forWeb(r.URL.Path) {
		t.route, t.quiet = "web", true
		s.serveWeb(w, r)
		return
	}
	t.route = "none"
	s.refuse(w, r, chat.ErrNotFound)
}

// allowed gives the methods that the mux would have taken for the path, or "".
func allowed(h http.Handler, r *http.Request) string {
	probe := headerOnly{header: http.Header{}}
	h.ServeHTTP(&probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		return probe.header.Get("Allow")
	}
	return ""
}

type headerOnly struct {
	header http.Header
	status int
}

func (w *headerOnly) Header() http.Header         { return w.header }
func (w *headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (w *headerOnly) WriteHeader(status int)      { w.status = status }

// forWeb reports whether the web client may answer a path: nothing below these is
// ever a page, nor anything hidden, so that a mistyped or a probing request does
// not get one.
func forWeb(p string) bool {
	for _, reserved := range []string{"/api", "/socket.io", "/metrics", "/debug", "/healthz", "/readyz", "/docs"} {
		if p == reserved || strings.HasPrefix(p, reserved+"/") {
			return false
		}
	}
	return !strings.Contains(p, "/.")
}
