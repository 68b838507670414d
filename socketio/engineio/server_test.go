package engineio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
	"github.com/parley-chat/parley/socketio/internal/ws"
)

const (
	base   = "/engine.io/?EIO=4"
	polled = base + "&transport=polling"
	socket = base + "&transport=websocket"
)

// app is the layer above in these tests: it echoes, and notes what it is told.
type app struct {
	srv  *engineio.Server
	addr string

	mu     sync.Mutex
	conns  []*engineio.Conn
	notes  []string
	closed map[engineio.Reason]int
}

type session struct {
	app  *app
	conn *engineio.Conn
}

func (s *session) Message(data []byte, binary bool) error {
	if string(data) == "fail" {
		return &engineio.CloseError{Reason: engineio.ReasonServerClose, Code: 4001, Text: "told to"}
	}
	f := engineio.NewFrame(data)
	if binary {
		f = engineio.NewBinaryFrame(data)
	}
	if err := s.conn.Send(f, 0); err != nil && !errors.Is(err, engineio.ErrClosed) {
		return err
	}
	return nil
}

func (s *session) Wake(int64) { s.app.note("wake") }
func (s *session) Behind()    { s.app.note("behind") }
func (s *session) CaughtUp()  { s.app.note("caught up") }

func (s *session) Closed(r engineio.Reason) {
	s.app.mu.Lock()
	defer s.app.mu.Unlock()
	s.app.closed[r]++
}

func (a *app) note(s string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notes = append(a.notes, s)
}

func (a *app) noted() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.notes, ", ")
}

// conn returns the i-th connection there was.
func (a *app) conn(t *testing.T, i int) *engineio.Conn {
	t.Helper()
	rawtest.Eventually(t, "connection known", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.conns) > i
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conns[i]
}

// wantPoll waits until the first connection has a poll pending.
func (a *app) wantPoll(t *testing.T) {
	t.Helper()
	rawtest.Eventually(t, "poll pending", a.conn(t, 0).PollPending)
}

func (a *app) wantClosed(t *testing.T, want engineio.Reason) {
	t.Helper()
	count := func() int {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.closed[want]
	}
	rawtest.Eventually(t, "closed for "+string(want), func() bool { return count() > 0 })
	if n := count(); n != 1 {
		t.Errorf("Closed called %d times, want once", n)
	}
}

// start serves an app.
func start(t *testing.T, opt engineio.Options) *app {
	t.Helper()
	a := &app{closed: make(map[engineio.Reason]int)}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	a.srv = engineio.NewServer(opt, func(c *engineio.Conn) engineio.Session {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.conns = append(a.conns, c)
		return &session{app: a, conn: c}
	})
	a.addr = rawtest.Serve(t, a.srv)
	t.Cleanup(func() {
		if err := a.srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a
}

// models runs a test with each of the connection models.
func models(t *testing.T, opt engineio.Options, f func(t *testing.T, a *app)) {
	t.Helper()
	for _, portable := range []bool{false, true} {
		t.Run(map[bool]string{false: "event-driven", true: "portable"}[portable], func(t *testing.T) {
			t.Parallel()
			opt := opt
			opt.Portable = portable
			f(t, start(t, opt))
		})
	}
}

func openPolling(t *testing.T, addr string) string {
	t.Helper()
	return sidOf(t, rawtest.Get(t, addr, polled, 200))
}

func sidOf(t *testing.T, packet string) string {
	t.Helper()
	var open struct{ SID string }
	if !strings.HasPrefix(packet, "0") || json.Unmarshal([]byte(packet[1:]), &open) != nil || open.SID == "" {
		t.Fatalf("got %q, want an open packet", packet)
	}
	return open.SID
}

func dial(t *testing.T, a *app) *rawtest.Conn {
	t.Helper()
	c := rawtest.Dial(t, a.addr, socket)
	c.WantPrefix("0{")
	return c
}

func TestOpenPacket(t *testing.T) {
	models(t, engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}, func(t *testing.T, a *app) {
		for _, transport := range []string{"polling", "websocket"} {
			var packet string
			want := `"upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}`
			if transport == "polling" {
				packet = rawtest.Get(t, a.addr, polled, 200)
			} else {
				packet = rawtest.Dial(t, a.addr, socket).Next(false)
				want = strings.Replace(want, `"websocket"`, "", 1)
			}
			if sid := sidOf(t, packet); len(sid) != 20 || !strings.HasSuffix(packet, want) {
				t.Errorf("%s: got %s, want …%s", transport, packet, want)
			}
		}
	})
}

// Rows E1-E5, E14 and E19 of the table of bad inputs.
func TestBadRequests(t *testing.T) {
	a := start(t, engineio.Options{})
	upgrade := rawtest.UpgradeHeader()
	without := func(name string, more ...string) []string {
		out := more
		for _, h := range upgrade {
			if !strings.HasPrefix(h, name+":") {
				out = append(out, h)
			}
		}
		return out
	}
	for _, tc := range []struct {
		line   string
		header []string
		status int
		code   int
	}{
		{"GET /engine.io/?transport=polling", nil, 400, 5},
		{"GET /engine.io/?EIO=abc&transport=polling", nil, 400, 5},
		{"GET /engine.io/?EIO=99&transport=polling", nil, 400, 5},
		{"GET /engine.io/?EIO=3&transport=polling", nil, 400, 5},
		{"GET /engine.io/?transport=websocket", upgrade, 400, 5},
		{"GET " + base, nil, 400, 0},
		{"GET " + base + "&transport=abc", nil, 400, 0},
		{"GET " + base + "&transport=__proto__", nil, 400, 0},
		{"GET " + base + "&transport=constructor", nil, 400, 0},
		{"GET " + base + "&transport=abc", upgrade, 400, 0},
		{"GET " + polled + "&transport=polling", nil, 400, 3},
		{"GET " + polled + "&sid=a&sid=b", nil, 400, 3},
		{"POST " + polled, []string{"Content-Length: 0"}, 400, 2},
		{"PUT " + polled, []string{"Content-Length: 0"}, 400, 2},
		{"DELETE " + polled, nil, 400, 2},
		{"TRACE " + polled, nil, 405, 2},
		{"GET " + polled + "&sid=unknown", nil, 400, 1},
		{"GET " + polled + "&sid=AAAAAAAAAAAAAAAAAAAA", nil, 400, 1},
		{"GET " + polled + "&sid=AAAAAAAAAAAAAAAAAAA!", nil, 400, 1},
		{"POST " + polled + "&sid=AAAAAAAAAAAAAAAAAAAA", []string{"Content-Length: 0"}, 400, 1},
		{"GET " + socket + "&sid=AAAAAAAAAAAAAAAAAAAA", upgrade, 400, 1},
		{"GET " + polled + "&j=0", nil, 400, 3},
		{"GET " + polled + "&j=alert(1)", nil, 400, 3},
		{"GET " + socket, nil, 400, 3},
		{"GET " + socket, without("Upgrade"), 400, 3},
		{"GET " + socket, without("Connection"), 400, 3},
		{"GET " + socket, without("Sec-WebSocket-Key"), 400, 3},
		{"GET " + socket, without("Sec-WebSocket-Key", "Sec-WebSocket-Key: short"), 400, 3},
		{"GET " + socket, without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 12"), 426, 3},
	} {
		res, _ := rawtest.Request(t, a.addr, tc.line, tc.header, "")
		var e struct{ Code *int }
		if err := json.Unmarshal([]byte(res.Body), &e); err != nil || res.Status != tc.status || e.Code == nil || *e.Code != tc.code {
			t.Errorf("%s %v: got %d %s, want %d with code %d", tc.line, tc.header, res.Status, res.Body, tc.status, tc.code)
		}
		if tc.status == 426 && res.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("426 names version %q, want 13", res.Header.Get("Sec-WebSocket-Version"))
		}
	}
	if n := a.srv.Conns(); n != 0 {
		t.Errorf("%d connections made by bad requests", n)
	}
}

func TestAllowRequestAndCheckSession(t *testing.T) {
	models(t, engineio.Options{
		AllowRequest: func(r *http.Request) error {
			if r.Header.Get("Origin") == "https://evil.example" {
				return errors.New("not from there")
			}
			if r.Header.Get("X-Busy") != "" {
				return &engineio.RequestError{Status: 429, Code: engineio.CodeForbidden, Message: "rate_limited", RetryAfter: 1500 * time.Millisecond}
			}
			return nil
		},
		Capture: func(r *http.Request) any { return r.Header.Get("Cookie") },
		CheckSession: func(r *http.Request, captured any) error {
			if r.Header.Get("Cookie") != captured {
				return &engineio.RequestError{Status: 403, Code: engineio.CodeForbidden, Message: "session_mismatch"}
			}
			return nil
		},
	}, func(t *testing.T, a *app) {
		sid := sidOf(t, rawtest.Get(t, a.addr, polled, 200, "Cookie: mine"))
		for _, line := range []string{"GET " + polled, "GET " + polled + "&sid=" + sid, "GET " + socket, "GET " + socket + "&sid=" + sid} {
			res, _ := rawtest.Request(t, a.addr, line, append(rawtest.UpgradeHeader(), "Origin: https://evil.example", "Cookie: mine"), "")
			if res.Status != http.StatusForbidden || res.Body != `{"code":4,"message":"Forbidden"}` {
				t.Errorf("%s from elsewhere: got %d %s, want 403", line, res.Status, res.Body)
			}
		}
		res, _ := rawtest.Request(t, a.addr, "GET "+polled, []string{"X-Busy: 1"}, "")
		if res.Status != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "2" {
			t.Errorf("got %d, Retry-After %q; want 429, 2", res.Status, res.Header.Get("Retry-After"))
		}
		for _, line := range []string{"GET " + polled, "GET " + socket} {
			res, _ := rawtest.Request(t, a.addr, line+"&sid="+sid, append(rawtest.UpgradeHeader(), "Cookie: theirs"), "")
			if res.Status != http.StatusForbidden || !strings.Contains(res.Body, "session_mismatch") {
				t.Errorf("%s with another cookie: got %d %s, want 403 session_mismatch", line, res.Status, res.Body)
			}
		}
		if res := rawtest.PostWith(t, a.addr, polled+"&sid="+sid, "1", "Cookie: theirs"); res.Status != http.StatusForbidden || !strings.Contains(res.Body, "session_mismatch") {
			t.Errorf("got %+v", res)
		}
		if res := rawtest.PostWith(t, a.addr, polled+"&sid="+sid, "4hi", "Cookie: mine"); res.Status != http.StatusOK {
			t.Errorf("the victim got %+v, want to be undisturbed", res)
		}
		if got := rawtest.Get(t, a.addr, polled+"&sid="+sid, 200, "Cookie: mine"); got != "4hi" {
			t.Errorf("got %q, want the echo", got)
		}
		if got := a.conn(t, 0).Captured(); got != "mine" {
			t.Errorf("captured %v, want the cookie", got)
		}
	})
}

func TestWebSocketEcho(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		c := dial(t, a)
		c.Send("4hello")
		c.Want("4hello")
		c.Write(rawtest.Binary([]byte{1, 2, 3, 4}))
		c.WantFrame(ws.OpBinary, []byte{1, 2, 3, 4})
		c.Write(rawtest.Control(ws.OpPing, []byte("are you there")))
		c.WantFrame(ws.OpPong, []byte("are you there"))
		big := strings.Repeat("é", 400_000)
		for piece := range pieces(rawtest.Text("4"+big), 60_000) {
			c.Write(piece)
		}
		c.Want("4" + big)
		for i := range 200 { // many at once keep their order
			c.Write(rawtest.Text(fmt.Sprintf("4%d", i)))
		}
		for i := range 200 {
			c.Want(fmt.Sprintf("4%d", i))
		}
		c.Write(rawtest.Control(ws.OpClose, []byte("\x03\xe8bye")))
		c.WantClose(1000, "")
		a.wantClosed(t, engineio.ReasonTransportClose)
		rawtest.Eventually(t, "nothing left", func() bool { return a.srv.Conns() == 0 })
	})
}

func pieces(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			k := min(n, len(b))
			if !yield(b[:k]) {
				return
			}
			b = b[k:]
		}
	}
}

// Rows E16, W1, W3, W4 and W9: a breach closes with a code and a reason.
func TestWebSocketBreaches(t *testing.T) {
	for name, tc := range map[string]struct {
		send   []byte
		code   int
		text   string
		reason engineio.Reason
	}{
		"unknown packet":   {rawtest.Text("abc"), 1002, "bad_packet", engineio.ReasonBadPacket},
		"empty packet":     {rawtest.Text(""), 1002, "bad_packet", engineio.ReasonBadPacket},
		"open":             {rawtest.Text("0{}"), 1002, "bad_packet", engineio.ReasonBadPacket},
		"ping":             {rawtest.Text("2"), 1002, "bad_packet", engineio.ReasonBadPacket},
		"upgrade":          {rawtest.Text("5"), 1002, "bad_packet", engineio.ReasonBadPacket},
		"noop":             {rawtest.Text("6"), 1002, "bad_packet", engineio.ReasonBadPacket},
		"unmasked":         {ws.AppendFrame(nil, ws.OpText, []byte("4x")), 1002, "masked", engineio.ReasonBadPacket},
		"not UTF-8":        {rawtest.Text("4\xff"), 1007, "UTF-8", engineio.ReasonBadPacket},
		"too big":          {rawtest.Text("4" + strings.Repeat("x", 1_000_000)), 1009, "too big", engineio.ReasonTooBig},
		"2^62":             {[]byte{0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0}, 1009, "too big", engineio.ReasonTooBig},
		"2^63":             {[]byte{0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0}, 1002, "length", engineio.ReasonBadPacket},
		"pings":            {bytes.Repeat(rawtest.Control(ws.OpPing, nil), 20_000), 1008, "rate_limited", engineio.ReasonRateLimited},
		"pongs":            {bytes.Repeat(rawtest.Control(ws.OpPong, nil), 20_000), 1008, "rate_limited", engineio.ReasonRateLimited},
		"Engine.IO pongs":  {bytes.Repeat(rawtest.Text("3"), 20_000), 1008, "rate_limited", engineio.ReasonRateLimited},
		"told to":          {rawtest.Text("4fail"), 4001, "told to", engineio.ReasonServerClose},
		"close packet":     {rawtest.Text("1"), 1000, "", engineio.ReasonClientClose},
		"close code 1005":  {rawtest.Control(ws.OpClose, []byte("\x03\xed")), 1002, "close code", engineio.ReasonBadPacket},
		"after it nothing": {append(rawtest.Text("abc"), rawtest.Text("4x")...), 1002, "bad_packet", engineio.ReasonBadPacket},
	} {
		t.Run(name, func(t *testing.T) {
			models(t, engineio.Options{}, func(t *testing.T, a *app) {
				c := dial(t, a)
				go c.Write(tc.send) // the server may stop reading
				c.WantClose(tc.code, tc.text)
				a.wantClosed(t, tc.reason)
				rawtest.Eventually(t, "nothing left", func() bool { return a.srv.Conns() == 0 })
			})
		})
	}
}
