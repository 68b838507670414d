package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio/client"
)

const patience = time.Minute

// server is a whole node in this process.
type server struct {
	t    *testing.T
	app  *App
	logs *logBuffer
	stop func()
}

// logBuffer takes a log from many goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a node on a data folder.
func start(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	args = append([]string{"--addr", "127.0.0.1:0", "--data-dir", dir, "--shutdown-timeout", "20s", "--send-rate", "0", "--login-rate", "0"}, args...)
	cfg, _, err := config.Load(config.Source{Args: args})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, logs: &logBuffer{}}
	logger := slog.New(slog.NewJSONHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if s.app, err = Open(context.Background(), cfg, logger); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.app.Run(ctx) }()
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			if err := errors.Join(<-done, s.app.Close()); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
	t.Cleanup(s.stop)
	s.eventually("the node serves", func() bool {
		r, err := http.Get(s.url("/readyz"))
		return err == nil && r.Body.Close() == nil && r.StatusCode == http.StatusOK
	})
	return s
}

func (s *server) url(path string) string { return "http://" + s.app.Addr() + path }

func (s *server) eventually(what string, check func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !check(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited %s until %s", patience, what)
		}
	}
}

// account is somebody who has signed up.
type account struct {
	s     *server
	id    chat.UserID
	name  string
	token string
}

const password = "correct horse battery staple"

func (s *server) signUp(name string) *account {
	s.t.Helper()
	var answer struct {
		User  wire.Me
		Token string
	}
	s.rest("", http.MethodPost, "/api/v1/auth/signup", map[string]string{"username": name, "password": password, "email": name + "@secret.example"}, http.StatusCreated, &answer)
	return &account{s: s, id: answer.User.ID, name: name, token: answer.Token}
}

// rest makes a request and reads its answer into out, unless that is nil.
func (s *server) rest(token, method, path string, in any, status int, out any) {
	s.t.Helper()
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url(path), body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode != status {
		s.t.Fatalf("%s %s: got %d %s, want %d", method, path, res.StatusCode, data, status)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			s.t.Fatalf("%s %s: %s: %v", method, path, data, err)
		}
	}
}

func (a *account) rest(method, path string, in any, status int, out any) {
	a.s.t.Helper()
	a.s.rest(a.token, method, path, in, status, out)
}

// socket is a connection that keeps what it gets.
type socket struct {
	t *testing.T
	*client.Client
	mu     sync.Mutex
	events []string // name and payload
	end    error
	over   bool
}

func (a *account) connect() *socket {
	a.s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // as clients do
		s, err := a.s.dial(client.Options{Auth: map[string]string{"token": a.token}})
		if err == nil {
			s.wait("ready", 1)
			return s
		}
		if time.Now().After(end) {
			a.s.t.Fatal(err)
		}
	}
}

func (s *server) dial(opt client.Options) (*socket, error) {
	c := &socket{t: s.t}
	opt.OnEvent = func(event string, m client.Message, _ func(...any) error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.events = append(c.events, event+" "+string(m.Args[0]))
	}
	opt.OnClose = func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.end, c.over = err, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if c.Client, err = client.Dial(ctx, "http://"+s.app.Addr(), opt); err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { _ = c.Drop() })
	return c, nil
}

// wait waits for n events of a name and gives the payload of the last.
func (c *socket) wait(name string, n int) string {
	c.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if found := c.got(name); len(found) >= n {
			return found[n-1]
		}
		if time.Now().After(end) {
			c.t.Fatalf("waited %s for %d events %s; got %v", patience, n, name, c.got(name))
		}
	}
}

func (c *socket) got(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []string
	for _, e := range c.events {
		if payload, ok := strings.CutPrefix(e, name+" "); ok {
			found = append(found, payload)
		}
	}
	return found
}

// must makes a request that has to be accepted and gives the data of its answer. On a
// machine that stands still the outcome may come too late for its answer; as clients do,
// it is asked for again.
func (c *socket) must(event string, payload any, out any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var answer struct {
		OK    bool
		Data  json.RawMessage
		Error struct{ Code chat.Code }
	}
	for ; !answer.OK; time.Sleep(20 * time.Millisecond) {
		m, err := c.Call(ctx, event, payload)
		if err != nil {
			c.t.Fatalf("%s: %v", event, err)
		}
		if err := json.Unmarshal(m.Args[0], &answer); err != nil || !answer.OK && answer.Error.Code != chat.CodeUnavailable {
			c.t.Fatalf("%s: got %s, %v", event, m.Args[0], err)
		}
	}
	if out != nil {
		if err := json.Unmarshal(answer.Data, out); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *socket) send(room chat.ConversationID, clientID, text string) chat.Entry {
	c.t.Helper()
	var answer struct{ Entry chat.Entry }
	c.must(wire.EventMessageSend, wire.MessageSend{ConversationID: room, ClientID: clientID, Text: text}, &answer)
	return answer.Entry
}

func (a *account) direct(with *account) chat.ConversationID {
	a.s.t.Helper()
	var c wire.Conversation
	a.rest(http.MethodPost, "/api/v1/conversations", map[string]any{"kind": "direct", "user_id": with.id}, http.StatusCreated, &c)
	return c.ID
}

func (a *account) messages(room chat.ConversationID) []wire.Message {
	a.s.t.Helper()
	var page struct{ Items []wire.Message }
	a.rest(http.MethodGet, "/api/v1/conversations/"+room.String()+"/messages?limit=200", nil, http.StatusOK, &page)
	return page.Items
}

func TestTwoPeopleChatThroughTheWholeServer(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	alice, bob := s.signUp("alice"), s.signUp("bob")
	a, b, b2 := alice.connect(), bob.connect(), bob.connect()
	var found struct{ Items []wire.User }
	alice.rest(http.MethodGet, "/api/v1/users?query=bo", nil, http.StatusOK, &found)
	if len(found.Items) != 1 || found.Items[0].ID != bob.id {
		t.Fatalf("got %+v, want bob found", found.Items)
	}
	room := alice.direct(bob)
	b.wait(wire.EventConversation, 1)
	sent := a.send(room, "k1", "hello")
	bob.rest(http.MethodPost, "/api/v1/conversations/"+room.String()+"/messages", map[string]any{"client_id": "k2", "text": "hi"}, http.StatusCreated, nil)
	for name, c := range map[string]*socket{"alice": a, "bob": b, "bob's other tab": b2} {
		c.wait(wire.EventEntry, 3)
		for i, text := range c.got(wire.EventEntry) {
			e, err := chat.DecodeEntry([]byte(text))
			if err != nil || e.Seq != chat.Seq(i+1) {
				t.Errorf("%s: entry %d: got %s, %v", name, i, text, err)
			}
		}
	}
	last := a.send(room, "k3", "seen?")
	b.must(wire.EventConversationRead, wire.ReceiptSet{ConversationID: room, Seq: last.Seq}, nil)
	var tick chat.Receipt
	if err := json.Unmarshal([]byte(a.wait(wire.EventReceipt, 1)), &tick); err != nil {
		t.Fatal(err)
	}
	if want := (chat.Receipt{ConversationID: room, UserID: bob.id, DeliveredSeq: 4, ReadSeq: 4}); tick != want {
		t.Errorf("got the receipt %+v, want %+v", tick, want)
	}
	var view wire.Conversation
	alice.rest(http.MethodGet, "/api/v1/conversations/"+room.String(), nil, http.StatusOK, &view)
	if view.LastSeq != 4 || view.Title != "bob" || len(view.Receipts) == 0 || view.Receipts[0].ReadSeq != 4 {
		t.Errorf("got %+v, want bob to have read all", view)
	}
	before := alice.messages(room)

	s.stop()
	s = start(t, dir)
	alice.s, bob.s = s, s
	after := alice.messages(room)
	if fmt.Sprint(before) != fmt.Sprint(after) || len(after) != 3 {
		t.Errorf("after the restart: got %v, want %v", after, before)
	}
	a, b = alice.connect(), bob.connect()
	if again := a.send(room, "k1", "hello"); again.Seq != sent.Seq {
		t.Errorf("a retry after the restart: got seq %d, want %d", again.Seq, sent.Seq)
	}
	a.send(room, "k4", "again")
	b.wait(wire.EventEntry, 1)
	if got := b.got(wire.EventEntry); len(got) != 1 {
		t.Errorf("got %v, want one entry", got)
	}
}

func TestStopTellsClientsAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	alice, bob := s.signUp("alice"), s.signUp("bob")
	room := alice.direct(bob)
	a, b := alice.connect(), bob.connect()
	var mu sync.Mutex
	acked := map[string]bool{}
	for i := range 300 {
		id := fmt.Sprint(i)
		err := a.EmitAck(wire.EventMessageSend, func(m client.Message, err error) {
			if err == nil && strings.Contains(string(m.Args[0]), `"ok":true`) {
				mu.Lock()
				defer mu.Unlock()
				acked[id] = true
			}
		}, wire.MessageSend{ConversationID: room, ClientID: id, Text: id})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.wait(wire.EventEntry, 10)
	s.stop()
	for _, c := range []*socket{a, b} {
		c.wait(wire.EventReconnect, 1)
		<-c.Done()
		var closed *client.CloseError
		c.mu.Lock()
		if !errors.As(c.end, &closed) || closed.Code != 1012 {
			t.Errorf("got %v, want 1012", c.end)
		}
		c.mu.Unlock()
	}
	s = start(t, dir)
	alice.s = s
	seen := map[string]int{}
	cursor := ""
	for {
		var page struct{ Items []wire.Message }
		alice.rest(http.MethodGet, "/api/v1/conversations/"+room.String()+"/messages?limit=200"+cursor, nil, http.StatusOK, &page)
		if len(page.Items) == 0 {
			break
		}
		for _, m := range page.Items {
			seen[m.ClientID]++
		}
		cursor = fmt.Sprint("&before=", page.Items[0].Seq)
	}
	mu.Lock()
	defer mu.Unlock()
	for id := range acked {
		if seen[id] != 1 {
			t.Errorf("message %s was acknowledged and is there %d times", id, seen[id])
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("message %s is there %d times", id, n)
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was acknowledged")
	}
}

func TestSocketsOfOtherPagesAreRefused(t *testing.T) {
	s := start(t, t.TempDir(), "--allowed-origins", "https://app.example")
	alice := s.signUp("alice")
	for origin, allowed := range map[string]bool{
		"":                             true,
		"http://" + s.app.Addr():       true,
		"https://app.example":          true,
		"https://evil.example":         false,
		"null":                         false,
		"http://" + s.app.Addr() + "0": false,
		"file://":                      false,
	} {
		header := http.Header{"Cookie": {"parley=" + alice.token}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		_, err := s.dial(client.Options{Header: header})
		var refused *client.HandshakeError
		if allowed != (err == nil) || err != nil && (!errors.As(err, &refused) || refused.Status != http.StatusForbidden) {
			t.Errorf("upgrade from %q: got %v, want allowed=%v", origin, err, allowed)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url("/socket.io/?EIO=4&transport=polling"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header.Clone()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[allowed]; res.StatusCode != want {
			t.Errorf("poll from %q: got %d, want %d", origin, res.StatusCode, want)
		}
		if origin == "https://app.example" && res.Header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("poll from %q: got headers %v, want CORS", origin, res.Header)
		}
	}
}

func TestPollingConnectionBelongsToItsSession(t *testing.T) {
	s := start(t, t.TempDir())
	alice, mallory := s.signUp("alice"), s.signUp("mallory")
	poll := func(token, sid, body string) (int, string) {
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, s.url("/socket.io/?EIO=4&transport=polling"+sid), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
		if token != "" {
			req.AddCookie(&http.Cookie{Name: "parley", Value: token})
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(data)
	}
	_, open := poll(alice.token, "", "")
	var handshake struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(open, "0")), &handshake); err != nil {
		t.Fatal(err)
	}
	sid := "&sid=" + handshake.SID
	for name, token := range map[string]string{"another's cookie": mallory.token, "no cookie": ""} {
		for _, body := range []string{"", "40"} {
			if status, text := poll(token, sid, body); status != http.StatusForbidden || !strings.Contains(text, "session_mismatch") {
				t.Errorf("%s: got %d %s, want 403 session_mismatch", name, status, text)
			}
		}
	}
	if status, text := poll(alice.token, sid, "40"); status != http.StatusOK {
		t.Fatalf("the owner: got %d %s", status, text)
	}
	got := ""
	for range 5 {
		status, text := poll(alice.token, sid, "")
		if got += text; status != http.StatusOK || strings.Contains(got, `"ready"`) {
			break
		}
	}
	if !strings.Contains(got, `"ready"`) || !strings.Contains(got, alice.id.String()) {
		t.Errorf("got %q, want the owner undisturbed", got)
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	s := start(t, t.TempDir())
	alice, bob := s.signUp("alice"), s.signUp("bob")
	room := alice.direct(bob)
	a := alice.connect()
	a.send(room, "k", "a private sentence")
	s.rest("", http.MethodPost, "/api/v1/auth/login", map[string]string{"username": "alice", "password": "wrong-secret-word"}, http.StatusUnauthorized, nil)
	s.rest("pls_nonsense", http.MethodGet, "/api/v1/me", nil, http.StatusUnauthorized, nil)
	alice.rest(http.MethodPost, "/api/v1/auth/logout", nil, http.StatusNoContent, nil)
	a.wait(wire.EventSessionRevoked, 1)
	s.stop()
	log := s.logs.String()
	for _, secret := range []string{alice.token, bob.token, password, "wrong-secret-word", "a private sentence", "@secret.example", "argon2"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(log, `"serving"`) || !strings.Contains(log, `"stopped"`) {
		t.Errorf("got %s, want the start and the stop logged", log)
	}
}

func TestMetricsAreOnTheirOwnPort(t *testing.T) {
	s := start(t, t.TempDir(), "--metrics-addr", "127.0.0.1:0")
	alice, bob := s.signUp("alice"), s.signUp("bob")
	room := alice.direct(bob)
	a := alice.connect()
	a.send(room, "k", "x")
	a.wait(wire.EventEntry, 1)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars"} {
		s.rest("", http.MethodGet, path, nil, http.StatusNotFound, nil)
	}
	s.wantMetrics(
		"parley_sockets 1\n", "parley_users 1\n", "parley_rooms 1\n", "parley_requests_total 1\n", "parley_events_out_total 1\n",
		"parley_batch_records_count", "parley_delivery_seconds_count 1\n", "parley_http_request_seconds_count", "go_goroutines", "process_resident_memory_bytes",
	)
	for line := range strings.Lines(s.metrics()) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "parley_") && !strings.HasPrefix(line, "go_") &&
			!strings.HasPrefix(line, "process_") && !strings.HasPrefix(line, "promhttp_") {
			t.Errorf("got the metric %q, want every name of ours to begin with parley_", line)
		}
	}
}

func TestTheContractIsServed(t *testing.T) {
	s := start(t, t.TempDir())
	for path, want := range map[string]string{"/api/v1/openapi.json": "openapi", "/api/v1/asyncapi.json": "asyncapi"} {
		var doc map[string]any
		s.rest("", http.MethodGet, path, nil, http.StatusOK, &doc)
		if doc[want] == nil {
			t.Errorf("%s: got no version of the document", path)
		}
	}
}

func TestCookieOpensASocket(t *testing.T) {
	s := start(t, t.TempDir())
	s.signUp("alice")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	res, err := browser.Post(s.url("/api/v1/auth/login"), "application/json", strings.NewReader(`{"username":"alice","password":"`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	var cookies []string
	for _, c := range res.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	c, err := s.dial(client.Options{Header: http.Header{"Cookie": {strings.Join(cookies, "; ")}}})
	if err != nil {
		t.Fatal(err)
	}
	if ready := c.wait(wire.EventReady, 1); !strings.Contains(ready, `"username":"alice"`) {
		t.Errorf("got %s", ready)
	}
}
