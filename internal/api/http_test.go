package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// H1: paths that mean something else to somebody.
func TestH1Paths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	for _, path := range []string{
		"/api/v1/files/..%2f..%2fetc%2fpasswd", "/api/v1/files/%00", "/api/v1/files/a%00b", `/api/v1/files/..%5c..%5cx`, "/api/v1/files//etc/passwd",
		"/api/v1/files/%2fetc%2fpasswd", "//etc/passwd", "/..%2f..%2fetc/passwd", "/assets/..%2findex.html", "/%2e%2e/%2e%2e/etc/passwd",
		"/api/v1/files/C:%5cboot.ini", "/api/v1/files/%ff%fe", "/assets/", "/assets/none.js", "/.git/config", "/index.html%00.png", "/api/v1/users/../me",
		"/.gitkeep",
	} {
		got := w.raws(ann, "GET "+path)
		if got != 400 && got != 404 {
			t.Errorf("%s: got %d, want 400 or 404", path, got)
		}
	}
}

// raws asks for a path as it is written, which Go's client would not do.
func (w *world) raws(p *person, request string) int {
	w.t.Helper()
	statuses, _ := w.raw(request + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + p.Token + "\r\nConnection: close\r\n\r\n")
	if len(statuses) != 1 {
		w.t.Fatalf("%s: got %v, want one answer", request, statuses)
	}
	return statuses[0]
}

// H2: too much before the body.
func TestH2Headers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	var many, cookies strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "X-%d: 1\r\n", i)
		fmt.Fprintf(&cookies, "c%d=1; ", i)
	}
	for name, request := range map[string]string{
		"64 KB header":  "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
		"2,000 headers": "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + many.String() + "\r\n",
		"200 headers":   "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + strings.Repeat("A: b\r\n", 200) + "\r\n",
		"1 MB URL":      "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"100k params":   "GET /healthz?" + strings.Repeat("a=b&", 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"cookies":       "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: " + strings.Repeat(cookies.String(), 4) + "\r\n\r\n",
	} {
		statuses, _ := w.raw(request)
		if len(statuses) != 1 || statuses[0] != 431 && statuses[0] != 414 && statuses[0] != 400 {
			t.Errorf("%s: got %v, want 431, 414 or 400", name, statuses)
		}
	}
	ann.get("/api/v1/me?"+strings.Repeat("a=b&", 1000)).want(t, 200)
}

// H4: objects and lists where text belongs.
func TestH4WrongTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for _, body := range []string{
		`{"username":{"$ne":null},"password":{"$ne":null}}`, `{"username":["a"],"password":"b"}`, `{"username":1,"password":"b"}`,
		`{"username":null,"password":"b"}`, `[]`, `"x"`, `null`, `{"username":true,"password":"b"}`, `{`, ``, `{"username":"a","username":"b","password":"c"}`,
		`{"username":"\ud800","password":"c"}`, "{\"username\":\"a\x00\",\"password\":\"c\"}", `{"username":"a\u0000","password":"c"}`, "{\"username\":\"\xff\",\"password\":\"c\"}",
		`{"username":"a","password":"b"} {}`, `{"username":"a","password":"b"}x`, strings.Repeat("[", 50_000),
	} {
		w.do("POST", "/api/v1/auth/login", "", body).problem(t, 400, "invalid")
	}
	for _, body := range []string{`{"Username":"a","password":"b"}`, `{"username":"a","password":"b","__proto__":{}}`, `{"username":"a","PASSWORD":"b"}`} {
		w.do("POST", "/api/v1/auth/login", "", body).problem(t, 422, "invalid")
	}
}

// H5: searches that mean something to an engine.
func TestH5Searches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	for _, query := range []string{"'", "%", "_", "(a+)+$", "NEAR(", `"`, `\`, "*", "a OR b", strings.Repeat("a", 10<<10), "😀😀", "\u202e", "; DROP TABLE accounts", "^", "-", "ann' --"} {
		got := ann.get("/api/v1/users?query=" + url.QueryEscape(query))
		if got.Status != 200 && (got.Status != 422 || got.str("code") != "invalid") {
			t.Errorf("%.20q: got %d %s", query, got.Status, got.Body)
		}
		if query == "%" || query == "_" || query == "*" {
			if got.len("items") != 0 {
				t.Errorf("%q: got %s, want it to be a letter, not a pattern", query, got.Body)
			}
		}
	}
	ann.get("/api/v1/users?query=%ff%fe").problem(t, 422, "invalid")
	ann.get("/api/v1/users?query=a%00b").problem(t, 422, "invalid")
}

// H6: another host's name is refused where the right one is known.
func TestH6Host(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{public: "https://chat.example.org"})
	for host, status := range map[string]int{"chat.example.org": 200, "CHAT.example.org:443": 200, "evil.example": 421, "chat.example.org.evil.example": 421, "chat.example.org:8443": 421} {
		if got := w.do("GET", "/api/v1/limits", "", nil, "Host", host); got.Status != status {
			t.Errorf("%s: got %d %s, want %d", host, got.Status, got.Body, status)
		}
	}
	w.do("GET", "/healthz", "", nil, "Host", "10.0.0.7:3000").want(t, 200)
	got := w.do("GET", "/api/v1/limits", "", nil, "Host", "evil.example", "X-Forwarded-Host", "chat.example.org")
	if got.Status != 421 {
		t.Errorf("got %d, want a header of an untrusted peer to change nothing", got.Status)
	}
}

// H7: bodies of the wrong kind and size.
func TestH7Bodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	const good = `{"bio":"x"}`
	for _, c := range []struct {
		name   string
		body   any
		header []string
		status int
	}{
		{"form", good, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"text", good, []string{"Content-Type", "text/plain"}, 415},
		{"xml", "<a/>", []string{"Content-Type", "application/xml"}, 415},
		{"other charset", good, []string{"Content-Type", "application/json; charset=utf-16"}, 415},
		{"compressed", good, []string{"Content-Encoding", "gzip"}, 415},
		{"JSON with charset", good, []string{"Content-Type", "application/json; charset=UTF-8"}, 200},
		{"10 MB", `{"bio":"` + strings.Repeat("x", 10<<20) + `"}`, nil, 413},
		{"trailing", good + good, nil, 400},
		{"empty", "", nil, 400},
	} {
		if got := ann.do("PATCH", "/api/v1/me", c.body, c.header...); got.Status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.name, got.Status, got.Body, c.status)
		}
	}
	// Without a length, the limit is found while reading.
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPatch, w.server.URL+"/api/v1/me", struct{ *strings.Reader }{strings.NewReader(`{"bio":"` + strings.Repeat("x", 1<<20) + `"}`)})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = -1
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+ann.Token)
	w.send(req).problem(t, 413, "too_large")
	ann.do("DELETE", "/api/v1/sessions/01890a5d-ac96-774b-bcce-b302099a8057", `{"x":1}`).problem(t, 400, "invalid")
}

// H8: what looks like a file is none, and nothing changes by looking.
func TestH8PathsAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	for _, path := range []string{"/api/v1/me/x.css", "/api/me/x.css", "/api/v1/me/", "/api/v1/conversations/x.js"} {
		if got := ann.get(path).problem(t, 404, "not_found"); got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got Cache-Control %q", path, got.Header.Get("Cache-Control"))
		}
	}
	for _, c := range []struct{ method, path, allow string }{
		{"GET", "/api/v1/auth/logout", "POST"},
		{"GET", "/api/v1/auth/login", "POST"},
		{"DELETE", "/api/v1/me", "GET, HEAD, PATCH"},
		{"PUT", "/api/v1/conversations", "GET, HEAD, POST"},
		{"POST", "/healthz", "GET, HEAD"},
		{"TRACE", "/api/v1/me", "GET, HEAD, PATCH"},
		{"POST", "/", "GET, HEAD"},
		{"PROPFIND", "/api/v1/me", "GET, HEAD, PATCH"},
	} {
		got := ann.do(c.method, c.path, nil)
		if got.Status != 405 || got.Header.Get("Allow") != c.allow || got.str("code") != "invalid" {
			t.Errorf("%s %s: got %d, Allow %q %s, want 405 and %q", c.method, c.path, got.Status, got.Header.Get("Allow"), got.Body, c.allow)
		}
	}
}

func TestSecurityHeadersEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	for _, path := range []string{"/", "/c/some-conversation", "/assets/index-abcdef12.js", "/api/v1/me", "/api/v1/none", "/healthz", "/docs", "/docs/docs.js", "/api/v1/openapi.json"} {
		h := ann.get(path).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: got %s %q, want %q", path, name, h.Get(name), want)
			}
		}
		for _, part := range []string{"camera=(self)", "microphone=(self)", "display-capture=(self)", "picture-in-picture=(self)", "geolocation=()", "usb=()"} {
			if !strings.Contains(h.Get("Permissions-Policy"), part) {
				t.Errorf("%s: got permissions %q, want %s in it", path, h.Get("Permissions-Policy"), part)
			}
		}
		if strings.ContainsAny(h.Get("Permissions-Policy"), `*":/`) {
			t.Errorf("%s: got permissions %q, want none for other origins", path, h.Get("Permissions-Policy"))
		}
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: got policy %q, want %s in it", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Server") != "" {
			t.Errorf("%s: got policy %q and headers %v", path, policy, h)
		}
		if h.Get("Cache-Control") == "" {
			t.Errorf("%s: got no Cache-Control", path)
		}
		if strings.HasPrefix(path, "/api/v1/") && !strings.HasSuffix(path, ".json") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got Cache-Control %q, want no-store", path, h.Get("Cache-Control"))
		}
	}
}

func TestWebClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	page := w.do("GET", "/", "", nil).want(t, 200)
	policy := page.Header.Get("Content-Security-Policy")
	host := strings.TrimPrefix(w.server.URL, "http://")
	for _, part := range []string{"script-src 'self' 'sha256-", "style-src 'self' 'sha256-", "connect-src 'self' ws://" + host, "img-src 'self' blob: data:"} {
		if !strings.Contains(policy, part) {
			t.Errorf("got policy %q, want %s in it", policy, part)
		}
	}
	if deep := w.do("GET", "/c/01890a5d-ac96-774b-bcce-b302099a8057?x=1", "", nil).want(t, 200); string(deep.Body) != string(page.Body) {
		t.Error("an address within the client does not give its page")
	}
	script := w.do("GET", "/assets/index-abcdef12.js", "", nil, "Accept-Encoding", "gzip").want(t, 200)
	if script.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || script.Header.Get("Content-Encoding") != "gzip" || script.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("got %v", script.Header)
	}
	plain := w.do("GET", "/assets/index-abcdef12.js", "", nil).want(t, 200)
	if len(plain.Body) <= len(script.Body) || plain.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("got %d bytes plain and %d packed", len(plain.Body), len(script.Body))
	}
	if got := w.do("GET", "/assets/index-abcdef12.js", "", nil, "If-None-Match", plain.Header.Get("ETag")); got.Status != 304 {
		t.Errorf("got %d, want 304", got.Status)
	}
	if got := w.do("GET", "/assets/packed-abcdef12.js", "", nil, "Accept-Encoding", "gzip, br"); string(got.Body) != "brotli" || got.Header.Get("Content-Encoding") != "br" {
		t.Errorf("got %q %v, want the file that was packed at build time", got.Body, got.Header)
	}
	if got := w.do("HEAD", "/", "", nil); got.Status != 200 || len(got.Body) != 0 {
		t.Errorf("HEAD: got %d and %d bytes", got.Status, len(got.Body))
	}
	if got := w.do("GET", "/", "", nil, "Host", "a;script-src *"); strings.Contains(got.Header.Get("Content-Security-Policy"), "script-src *") {
		t.Errorf("got %q, want no host in the policy that is none", got.Header.Get("Content-Security-Policy"))
	}
	if got := w.do("GET", "/docs", "", nil).want(t, 200); strings.Contains(string(got.Body), "://") {
		t.Errorf("the documentation names another host: %s", got.Body)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	broken := errors.New("dial tcp 10.0.0.9:5432: refused, password hunter22")
	down := map[string]bool{}
	check := func(name string) Check {
		return Check{Name: name, Ping: func(context.Context) error {
			if down[name] {
				return broken
			}
			return nil
		}}
	}
	store, log, bus, node := check("store"), check("log"), check("bus"), check("node")
	store.Spare, log.Spare, bus.Minor = "one of them", "one of them", true
	w := newWorld(t, options{checks: []Check{store, log, bus, node}})
	for _, c := range []struct {
		down   []string
		status int
		says   string
	}{
		{nil, 200, "ok"},
		{[]string{"bus"}, 200, "degraded"},
		{[]string{"store"}, 200, "degraded"},
		{[]string{"log", "bus"}, 200, "degraded"},
		{[]string{"store", "log"}, 503, "unavailable"},
		{[]string{"node"}, 503, "unavailable"},
		{nil, 200, "ok"},
	} {
		clear(down)
		for _, name := range c.down {
			down[name] = true
		}
		got := w.do("GET", "/readyz", "", nil).want(t, c.status)
		if got.str("status") != c.says || strings.Contains(string(got.Body), "hunter22") {
			t.Errorf("without %v: got %s, want %s", c.down, got.Body, c.says)
		}
		for _, name := range []string{"store", "log", "bus", "node"} {
			if want := map[bool]string{true: "unavailable", false: "ok"}[down[name]]; got.str("parts."+name) != want {
				t.Errorf("without %v: got %s, want %s to be %s", c.down, got.Body, name, want)
			}
		}
		w.do("GET", "/healthz", "", nil).want(t, 200)
		w.do("GET", "/readyz", "", nil).want(t, c.status) // tells the log nothing new
	}
	told := w.log.String()
	if lost, back := strings.Count(told, "out of reach"), strings.Count(told, "within reach again"); lost != 6 || back != 6 {
		t.Errorf("got %d parts lost and %d found in the log, want 6 and 6", lost, back)
	}
}

// S13 over HTTP: a handler that panics harms its own request only.
func TestS13PanicsAreContained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{socketIO: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom: secret of the stack") })})
	got := w.do("GET", "/socket.io/?EIO=4", "", nil).problem(t, 500, "internal")
	if strings.Contains(string(got.Body), "boom") {
		t.Errorf("got %s, want nothing of the stack", got.Body)
	}
	if log := w.log.String(); !strings.Contains(log, "boom") || !strings.Contains(log, "stack") {
		t.Error("the panic is not in the log")
	}
	w.do("GET", "/healthz", "", nil).want(t, 200)
}

// E12: a body that dribbles is ended.
func TestE12SlowBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.ahead.Store(int64(-requestTimeout + 500*time.Millisecond)) // so the deadline is near
	statuses, closed := w.raw(jsonHead + "Content-Length: 100\r\n\r\n{")
	if len(statuses) != 1 || statuses[0] != 408 || !closed {
		t.Errorf("got %v, closed %v, want 408 and the end", statuses, closed)
	}
}

// C5: what a client sends cannot forge lines of the log.
func TestC5LogLinesCannotBeForged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.do("POST", "/api/v1/auth/login", "", map[string]any{"username": "x\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\x1b[31m", "password": "y"}).problem(t, 401, "unauthenticated")
	w.raw("GET /%0a%7b%22msg%22:%22forged%22%7d HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1%0aforged\r\nConnection: close\r\n\r\n")
	if log := w.log.String(); strings.Contains(log, "forged") || strings.Contains(log, "\x1b") {
		t.Errorf("got %s", log)
	}
}

// A cached answer is never another user's.
func TestCachedAnswersAreOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	for range 3 {
		for _, p := range []*person{ann, bob, ann} {
			if got := p.get("/api/v1/me").want(t, 200); got.str("id") != p.ID || got.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("got %s %v, want one's own, not to be stored", got.Body, got.Header)
			}
		}
	}
	file := ann.upload("a.txt", []byte("ann's")).want(t, 201)
	got := ann.get(file.str("url")).want(t, 200)
	if cc := got.Header.Get("Cache-Control"); !strings.HasPrefix(cc, "private") || !strings.Contains(got.Header.Get("Vary"), "Cookie") || !strings.Contains(got.Header.Get("Vary"), "Authorization") {
		t.Errorf("got %v, want a file to be kept by one person's browser only", got.Header)
	}
	bob.do("GET", file.str("url"), nil, "If-None-Match", got.Header.Get("ETag")).problem(t, 404, "not_found")
}
