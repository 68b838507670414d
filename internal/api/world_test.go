package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/internal/worker"
)

// world is a Parley without sockets: the real store, log, bus, owner, workers,
// service and handler, behind a real HTTP server. Everything that was answered
// and logged is kept, to be searched for what must not be in it.
type world struct {
	t       *testing.T
	service *service.Service
	store   *sqlstore.Store
	server  *httptest.Server
	inner   *server
	edge    *Edge
	log     *syncBuffer
	ahead   atomic.Int64 // of the clock
	seen    *syncBuffer  // every body that was answered
	users   atomic.Int64
	secrets sync.Map // what must be in no answer but the one that gave it
}

// options change a world before it starts.
type options struct {
	public   string
	trusted  string
	signup   service.Signup
	limits   func(*service.Limits)
	web      fs.FS
	socketIO http.Handler
	checks   []Check
	storeAs  func(*service.Deps)
	still    bool // time stands still, but for what ahead adds
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var webFixture = fstest.MapFS{
	"index.html":                   {Data: []byte(`<!doctype html><script>document.title="x"</script><script type="module" src="/assets/index-abcdef12.js"></script><style>b{}</style>`)},
	"assets/index-abcdef12.js":     {Data: []byte(strings.Repeat("console.log('parley');\n", 200))},
	"assets/index-abcdef12.css":    {Data: []byte("b{color:red}")},
	"favicon.svg":                  {Data: []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")},
	"assets/packed-abcdef12.js":    {Data: []byte(strings.Repeat("x();\n", 500))},
	"assets/packed-abcdef12.js.br": {Data: []byte("brotli")},
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &world{t: t, log: &syncBuffer{}, seen: &syncBuffer{}}
	began := time.Now()
	clock := func() time.Time {
		now := began
		if !o.still {
			now = time.Now()
		}
		return now.Add(time.Duration(w.ahead.Load()))
	}
	logger := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := t.TempDir()
	store, err := sqlstore.Open(ctx, filepath.Join(dir, "data"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(ctx, blob.Options{Dir: filepath.Join(dir, "blobs"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	bus, log := inproc.NewBus(1, 4096), inproc.NewLog("test", 4096)
	receipts := worker.NewReceipts(store, bus, clock, logger)
	deps := service.Deps{
		Log: log, Bus: bus, Views: store, Accounts: store, Sessions: store, Files: store, Searcher: store, People: store, Pushes: store, Push: service.PushPort{PublicKey: "key", CheckEndpoint: onlyPushServices}, Limiter: inproc.NewLimiter(clock, 10_000),
		Receipts: receipts, Blobs: blobs, Clock: clock, Rand: rand.Reader, Node: "test", Secret: bytes.Repeat([]byte("s"), 32),
		Signup: service.SignupOpen, Limits: service.DefaultLimits(), Logger: logger,
	}
	deps.Limits.LoginsPerMinute = 0
	deps.Limits.SubmitTimeout = time.Minute // nothing is shown by how busy the machine is
	if o.signup != "" {
		deps.Signup = o.signup
	}
	if o.limits != nil {
		o.limits(&deps.Limits)
	}
	if o.storeAs != nil {
		o.storeAs(&deps)
	}
	if w.service, err = service.New(deps); err != nil {
		t.Fatal(err)
	}
	w.store = store
	bus.Attach("test", w.service)
	var running sync.WaitGroup
	owner := sequencer.New(store, bus, sequencer.Options{Now: clock, Logger: logger})
	for _, run := range []func(context.Context) error{
		func(ctx context.Context) error { return log.Own(ctx, owner.Own) },
		receipts.Run,
		func(ctx context.Context) error {
			store.Index(ctx, func(err error) { w.t.Error(err) })
			return nil
		},
		worker.Periodic{Name: "expire", Every: 50 * time.Millisecond, Logger: logger, Do: func(context.Context) error {
			w.service.ExpirePending(clock())
			return nil
		}}.Run,
	} {
		running.Go(func() { _ = run(ctx) })
	}
	// What holds for connections goes by a clock that never stands: deadlines are the machine's.
	wall := func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	handler := w.handler(o, deps, wall, logger)
	w.server = httptest.NewUnstartedServer(handler)
	w.server.Config = Server(handler, logger)
	w.server.Listener = Listen(w.server.Listener)
	w.server.Start()
	t.Cleanup(func() {
		w.server.Close()
		cancel()
		running.Wait()
		for _, c := range []io.Closer{bus, blobs, store} {
			if err := c.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		w.searchForSecrets()
	})
	return w
}

func (w *world) handler(o options, deps service.Deps, clock func() time.Time, logger *slog.Logger) http.Handler {
	w.t.Helper()
	var public *url.URL
	if o.public != "" {
		var err error
		if public, err = url.Parse(o.public); err != nil {
			w.t.Fatal(err)
		}
	}
	w.edge = NewEdge(public, trusting(o.trusted))
	if o.web == nil {
		o.web = webFixture
	}
	s, handler, err := newServer(Deps{
		Service: w.service, Edge: w.edge, SocketIO: o.socketIO, Web: o.web, Checks: o.checks, Signup: deps.Signup, Version: "test", Clock: clock, Logger: logger,
		Limits: wire.Limits{TextBytes: chat.MaxTextBytes, Attachments: chat.MaxAttachments, AttachmentBytes: deps.Limits.FileBytes, FrameBytes: wire.MaxFrameBytes},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.inner = s
	return handler
}

// onlyPushServices stands for the check of package push.
func onlyPushServices(endpoint string) *chat.Error {
	if !strings.HasPrefix(endpoint, "https://push.example.org/") {
		return chat.Invalid("endpoint", "is not a push service")
	}
	return nil
}

// searchForSecrets is the last test of every world: no token, no hash and no
// e-mail address is in the log or in any answer that was not its owner's own.
func (w *world) searchForSecrets() {
	log, seen := w.log.String(), w.seen.String()
	w.secrets.Range(func(key, what any) bool {
		secret := fmt.Sprint(key)
		for where, text := range map[string]string{"the log": log, "an answer": seen} {
			if strings.Contains(text, secret) {
				w.t.Errorf("%s is in %s", what, where)
			}
		}
		return true
	})
	for _, word := range []string{"$argon2id$", "password_hash", "PasswordHash", "TokenHash", "token_hash"} {
		if strings.Contains(log, word) || strings.Contains(seen, word) {
			w.t.Errorf("%q is in the log or in an answer", word)
		}
	}
}

// person is somebody with a session.
type person struct {
	w     *world
	ID    string
	Name  string
	Email string
	Token string
}

const goodPassword = "tall sturdy lighthouse 7"

func (w *world) person(name string) *person {
	w.t.Helper()
	n := w.users.Add(1)
	p := &person{w: w, Name: fmt.Sprintf("%s%d", name, n), Email: fmt.Sprintf("secret-%s-%d@example.org", name, n)}
	got := w.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": p.Name, "password": goodPassword, "display_name": "Name of " + p.Name, "email": p.Email})
	got.want(w.t, 201)
	p.ID, p.Token = got.str("user.id"), got.str("token")
	w.secrets.Store(p.Token, "a token")
	w.secrets.Store(p.Email, "an e-mail address")
	w.secrets.Store(goodPassword, "a password")
	return p
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
	what   string
}

func (a *answer) want(t *testing.T, status int) *answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("%s: got %d %s, want %d", a.what, a.Status, a.Body, status)
	}
	return a
}

func (a *answer) problem(t *testing.T, status int, code string) *answer {
	t.Helper()
	if a.Status != status || a.str("code") != code || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: got %d %s %s, want a problem %d %s", a.what, a.Status, a.Header.Get("Content-Type"), a.Body, status, code)
	}
	return a
}

// get gives a value of the body by its path, such as items.0.id.
func (a *answer) get(path string) any {
	var v any
	if json.Unmarshal(a.Body, &v) != nil {
		return nil
	}
	for part := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			var i int
			if _, err := fmt.Sscanf(part, "%d", &i); err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func (a *answer) str(path string) string {
	s, _ := a.get(path).(string)
	return s
}

// is reports whether a value is true.
func (a *answer) is(path string) bool {
	b, ok := a.get(path).(bool)
	return ok && b
}

func (a *answer) num(path string) int {
	n, _ := a.get(path).(float64)
	return int(n)
}

func (a *answer) len(path string) int {
	l, _ := a.get(path).([]any)
	return len(l)
}

// do sends JSON, or a string as it is, and keeps what comes back.
func (w *world) do(method, path, token string, body any, header ...string) *answer {
	w.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, w.server.URL+path, r)
	if err != nil {
		w.t.Fatal(err)
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	return w.send(req)
}

func (w *world) send(req *http.Request) *answer {
	w.t.Helper()
	req.Close = false
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
	}
	res, err := client.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	a := &answer{Status: res.StatusCode, Header: res.Header, Body: got, what: req.Method + " " + req.URL.Path}
	w.compare(req, a)
	if !ownAnswer(req) {
		if _, err := w.seen.Write(append(got, '\n')); err != nil {
			w.t.Fatal(err)
		}
	}
	return a
}

// ownAnswer reports whether an answer shows their own secrets to somebody.
func ownAnswer(req *http.Request) bool {
	p := req.URL.Path
	return p == "/api/v1/auth/signup" || p == "/api/v1/auth/login" || p == "/api/v1/me" || p == "/api/v1/me/avatar"
}

func (p *person) do(method, path string, body any, header ...string) *answer {
	p.w.t.Helper()
	return p.w.do(method, path, p.Token, body, header...)
}

func (p *person) get(path string) *answer {
	p.w.t.Helper()
	return p.do("GET", path, nil)
}

// direct opens the direct conversation with somebody and gives its path.
func (p *person) direct(other *person) string {
	p.w.t.Helper()
	got := p.do("POST", "/api/v1/conversations", map[string]any{"kind": "direct", "user_id": other.ID})
	if got.Status != 201 && got.Status != 200 {
		p.w.t.Fatalf("open direct conversation: got %d %s", got.Status, got.Body)
	}
	return "/api/v1/conversations/" + got.str("id")
}

// group makes a group and gives its path.
func (p *person) group(title string, members ...*person) string {
	p.w.t.Helper()
	ids := []string{}
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	got := p.do("POST", "/api/v1/conversations", map[string]any{"kind": "group", "title": title, "member_ids": ids}).want(p.w.t, 201)
	return "/api/v1/conversations/" + got.str("id")
}

var clientIDs atomic.Int64

func (p *person) say(conversation, text string, attachments ...string) int {
	p.w.t.Helper()
	body := map[string]any{"client_id": fmt.Sprintf("c%d", clientIDs.Add(1)), "text": text}
	if len(attachments) > 0 {
		body["attachments"] = attachments
	}
	return p.do("POST", conversation+"/messages", body).want(p.w.t, 201).num("seq")
}

// upload sends a file as a browser does.
func (p *person) upload(name string, data []byte) *answer {
	p.w.t.Helper()
	body, kind := formOf(p.w.t, "file", name, data)
	return p.do("POST", "/api/v1/files", body, "Content-Type", kind)
}

func formOf(t *testing.T, field, name string, data []byte) ([]byte, string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile(field, name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), form.FormDataContentType()
}

// unlimited lifts the rates, for tests that are about something else.
func unlimited(l *service.Limits) { l.SendsPerSecond, l.SearchesPerSecond = 0, 0 }
