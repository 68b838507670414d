package gateway_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/call"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/internal/worker"
	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
)

// patience is how long a test waits for what must come. It is generous, because
// the machine may be busy; nothing is shown by its length.
const patience = time.Minute

// node is a Parley without REST: the real store, log, bus, owner, service and
// gateway behind a real Socket.IO server.
type node struct {
	t       testing.TB
	dir     string
	store   *sqlstore.Store
	bus     *flakyBus
	inproc  *inproc.Bus
	log     chat.Log
	journal *chattest.Behind
	service *service.Service
	gateway *gateway.Gateway
	sockets *socketio.Server
	web     *httptest.Server
	views   *flakyViews
	faults  *faultyService
	now     *clock
	stop    func()
	leases  *inproc.Presence // who has a socket
	looks   *inproc.Presence // who looks at a client
	board   *inproc.CallBoard
	calls   *call.Coordinator
	users   atomic.Int64
}

// clock is a clock that tests can move, and stop.
type clock struct {
	ahead atomic.Int64
	still atomic.Pointer[time.Time] // not nil: it stands there
}

func (c *clock) now() time.Time {
	now := time.Now()
	if still := c.still.Load(); still != nil {
		now = *still
	}
	return now.Add(time.Duration(c.ahead.Load()))
}

func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

// stop has time pass by move alone: what happens once in a while happens as often as
// the test says, however long the machine takes.
func (c *clock) stop() {
	now := time.Now()
	c.still.Store(&now)
}

type nodeSink struct {
	*gateway.Gateway
	service *service.Service
}

func (s nodeSink) Deliver(events []chat.Event) {
	s.service.Deliver(events)
	s.Gateway.Deliver(events)
}
func (s nodeSink) Outcomes(outcomes []chat.Outcome) { s.service.Outcomes(outcomes) }
func (s nodeSink) Resync() {
	s.service.Resync()
	s.Gateway.Resync()
}

// newNode starts a node in a folder of its own, which ends with the test.
func newNode(t testing.TB, change ...func(*gateway.Options)) *node {
	t.Helper()
	return startNode(t, filepath.Join(t.TempDir(), "data"), change...)
}

func startNode(t testing.TB, dir string, change ...func(*gateway.Options)) *node {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{t: t, dir: dir, now: &clock{}}
	logger := slog.New(slog.DiscardHandler)
	var err error
	if n.store, err = sqlstore.Open(ctx, dir, sqlstore.Options{}); err != nil {
		t.Fatal(err)
	}
	n.views = &flakyViews{Store: n.store}
	opt := gateway.Options{
		Node: "test", Logger: logger, Now: n.now.now, Grace: 100 * time.Millisecond,
		RequestToken: func(r *http.Request) string {
			if c, err := r.Cookie("parley"); err == nil {
				return c.Value
			}
			return ""
		},
	}
	opt.Ahead = strings.HasPrefix(t.Name(), "TestAhead") // see ahead_test.go
	opt.FileWait = patience
	for _, c := range change {
		c(&opt)
	}
	n.journal = &chattest.Behind{Journal: n.store}
	var told *service.Told
	if n.log = inproc.NewLog("memory", 1<<16); opt.Ahead {
		n.log, told = chattest.NewShelf(), service.NewTold(n.store)
	}
	n.inproc = inproc.NewBus(1, 1<<17)
	n.bus = &flakyBus{Bus: n.inproc}
	n.leases = inproc.NewPresence()
	owner := sequencer.New(n.journal, n.bus, sequencer.Options{Now: time.Now, Logger: logger, Ahead: opt.Ahead})
	receipts := worker.NewReceipts(n.store, n.bus, time.Now, logger)
	if told != nil {
		receipts.Expect(told)
	}
	blobs, err := blob.Open(ctx, blob.Options{Dir: filepath.Join(dir, "blobs"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	limits := service.DefaultLimits()
	limits.SendsPerSecond = 0
	limits.SubmitTimeout = patience // nothing is shown by how busy the machine is
	n.service, err = service.New(service.Deps{
		Log: n.log, Bus: n.bus, Views: n.store, Accounts: n.store, Sessions: n.store, Files: n.store, Searcher: n.store, People: n.store, Pushes: n.store, Push: service.PushPort{CheckEndpoint: func(string) *chat.Error { return nil }},
		Limiter: inproc.NewLimiter(time.Now, 1000), Receipts: receipts, Blobs: blobs,
		Told: told, Clock: n.now.now, Rand: rand.Reader, Node: "test", Secret: make([]byte, 32), Signup: service.SignupOpen,
		Limits: limits, Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	presence := worker.NewPresence(worker.PresenceDeps{
		Leases: n.leases, Seen: n.store, Bus: n.bus, Node: "test", Now: n.now.now, Logger: logger,
		Local: func() []chat.UserID { return n.gateway.Users() }, Heard: func(id chat.UserID) bool { return n.gateway.Heard(id) },
	})
	n.looks = inproc.NewPresence()
	looks := worker.NewPresence(worker.PresenceDeps{Leases: n.looks, Node: "test", Now: n.now.now, Logger: logger, Local: func() []chat.UserID { return n.gateway.Looking() }, Heard: func(id chat.UserID) bool { return n.gateway.HeardLooking(id) }})
	n.board = inproc.NewCallBoard(n.now.now, 1_000)
	n.calls = n.newCalls(n.bus, func(events []chat.Event) { n.gateway.Deliver(events) })
	n.faults = &faultyService{Service: n.service}
	n.gateway, err = gateway.New(ctx, gateway.Ports{
		Service: n.faults, Views: n.views, People: n.views, Online: n.leases, Presence: presence, Attention: looks, Bus: n.bus, Calls: n.calls,
	}, opt)
	if err != nil {
		t.Fatal(err)
	}
	n.bus.Attach("test", nodeSink{n.gateway, n.service})
	server := n.gateway.ServerOptions(socketio.AllowOrigins())
	if !strings.HasPrefix(t.Name(), "TestE17") { // who does not say CONNECT at once is busy, like the machine
		server.ConnectTimeout = patience
	}
	server.Engine.PingTimeout = 10 * patience // longer than any test that has a socket stand still
	n.sockets = socketio.NewServer(server)
	n.gateway.Register(n.sockets)
	n.web = httptest.NewServer(n.sockets)
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{
		n.gateway.Run, n.calls.Run, receipts.Run, presence.Run, looks.Run,
		func(ctx context.Context) error { return n.log.Own(ctx, owner.Own) },
		worker.Periodic{Every: 50 * time.Millisecond, Logger: logger, Do: func(context.Context) error {
			n.service.ExpirePending(time.Now())
			return nil
		}}.Run,
	} {
		wg.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("a part of the node ended: %v", err)
			}
		})
	}
	var once sync.Once
	n.stop = func() {
		once.Do(func() {
			if err := n.sockets.Close(); err != nil {
				t.Errorf("close sockets: %v", err)
			}
			n.web.Close()
			cancel()
			wg.Wait()
			if err := errors.Join(n.inproc.Close(), blobs.Close(), n.store.Close()); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	t.Cleanup(n.stop)
	return n
}

// person is somebody with an account and a session.
type person struct {
	id      chat.UserID
	session chat.SessionID
	token   string
}

// person makes an account and logs it in.
func (n *node) person() *person {
	n.t.Helper()
	return n.people(1)[0]
}

func (n *node) people(count int) []*person {
	n.t.Helper()
	var out []*person
	for range count {
		i := int(n.users.Add(1))
		p := &person{id: chattest.User(i)}
		account := chattest.NewAccount(i)
		account.ID = p.id
		if err := n.store.CreateAccount(n.t.Context(), account); err != nil && !errors.Is(err, chat.ErrConflict) {
			n.t.Fatal(err)
		}
		n.logIn(p, i)
		out = append(out, p)
	}
	return out
}

// logIn gives a person a further session.
func (n *node) logIn(p *person, seed int) {
	n.t.Helper()
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		n.t.Fatal(err)
	}
	p.token = "pls_" + base64.RawURLEncoding.EncodeToString(secret[:])
	now := chat.TimeOf(time.Now())
	p.session = chattest.SessionID(seed)
	session := &chat.Session{
		ID: p.session, UserID: p.id, TokenHash: sha256.Sum256([]byte(p.token)),
		CreatedAt: now, SeenAt: now, ExpiresAt: now + 14*24*3600*1000,
	}
	if err := n.store.CreateSession(n.t.Context(), session); err != nil {
		n.t.Fatal(err)
	}
}

// do applies a command and fails the test if it is refused.
func (n *node) do(cmd chat.Command) *chat.Entry {
	n.t.Helper()
	o := n.try(cmd)
	if o.Err != nil {
		n.t.Fatalf("%s: %v", cmd.Kind, o.Err)
	}
	return o.Entry
}

func (n *node) try(cmd chat.Command) chat.Outcome {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	o, err := n.service.Await(ctx, func(done func(chat.Outcome)) { n.service.Submit(ctx, &cmd, done) })
	if err != nil && o.Err == nil {
		n.t.Fatalf("%s: %v", cmd.Kind, err)
	}
	return o
}

// stored waits until the store has an entry.
func (n *node) stored(room chat.ConversationID, seq chat.Seq) {
	n.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		heads, err := n.store.Heads(n.t.Context(), []chat.ConversationID{room})
		if err != nil {
			n.t.Fatal(err)
		}
		if heads[room] >= seq {
			return
		}
		if time.Now().After(end) {
			n.t.Fatalf("entry %d is not stored", seq)
		}
	}
}

// received is one event that a device got.
type received struct {
	name string
	data json.RawMessage
}

func (r received) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.data, v); err != nil {
		t.Fatalf("%s: %v", r.data, err)
	}
}

// device is one socket of a person. It keeps everything that it gets, in order.
type device struct {
	t      testing.TB
	client *client.Client

	mu     sync.Mutex
	events []received
	taken  map[string]int // how many events of a name were looked at
	change chan struct{}  // closed and replaced at each event
	closed error
	over   bool
}

// connect opens a socket and waits for ready.
func (n *node) connect(p *person) *device {
	n.t.Helper()
	d, err := n.tryConnect(map[string]string{"token": p.token})
	for end := time.Now().Add(patience); err != nil && time.Now().Before(end); { // as clients do
		time.Sleep(50 * time.Millisecond)
		d, err = n.tryConnect(map[string]string{"token": p.token})
	}
	if err != nil {
		n.t.Fatal(err)
	}
	d.next(wire.EventReady)
	return d
}

// shown waits until a person is known to be online: a node says so a moment after their
// socket is ready.
func (n *node) shown(p *person) {
	n.t.Helper()
	waitFor(n.t, "somebody to be online", func() bool {
		got, err := n.leases.Online(n.t.Context(), []chat.UserID{p.id}, chat.TimeOf(n.now.now()))
		return err == nil && got[p.id]
	})
}

func (n *node) tryConnect(auth any) (*device, error) {
	return n.dial(client.Options{Auth: auth})
}

func (n *node) dial(opt client.Options) (*device, error) {
	d := &device{t: n.t, taken: map[string]int{}, change: make(chan struct{})}
	opt.OnEvent = func(event string, m client.Message, _ func(...any) error) {
		r := received{name: event}
		if len(m.Args) == 1 {
			r.data = slices.Clone(m.Args[0])
		}
		d.note(func() { d.events = append(d.events, r) })
	}
	opt.OnClose = func(err error) { d.note(func() { d.closed, d.over = err, true }) }
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if d.client, err = client.Dial(ctx, n.web.URL, opt); err != nil {
		return nil, err
	}
	n.t.Cleanup(func() { _ = d.client.Drop() })
	return d, nil
}

func (d *device) note(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	close(d.change)
	d.change = make(chan struct{})
}

// wait blocks until check is true of what has come.
func (d *device) wait(what string, check func() bool) {
	d.t.Helper()
	late := time.After(patience)
	for {
		d.mu.Lock()
		ok, change := check(), d.change
		d.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-change:
		case <-late:
			d.mu.Lock()
			defer d.mu.Unlock() //nolint:revive // Fatalf ends the loop
			d.t.Fatalf("waited %s for %s; got %d events, closed: %v %v; the last: %s", patience, what, len(d.events), d.over, d.closed, d.tail())
		}
	}
}

func (d *device) tail() string {
	text := ""
	for _, e := range d.events[max(0, len(d.events)-8):] {
		text += "\n  " + e.name + " " + string(e.data)
	}
	return text
}

// next gives the next event of a name that was not looked at.
func (d *device) next(name string) received {
	d.t.Helper()
	var found received
	d.wait("an event "+name, func() bool {
		seen := 0
		for _, e := range d.events {
			if e.name != name {
				continue
			}
			if seen++; seen > d.taken[name] {
				found = e
				d.taken[name]++
				return true
			}
		}
		return false
	})
	return found
}

// entries gives the entries of a conversation that have come so far.
func (d *device) entries(id chat.ConversationID) []chat.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []chat.Entry
	for _, e := range d.events {
		if e.name != wire.EventEntry {
			continue
		}
		var entry chat.Entry
		if err := json.Unmarshal(e.data, &entry); err != nil {
			d.t.Errorf("entry %s: %v", e.data, err)
		}
		if entry.ConversationID == id {
			out = append(out, entry)
		}
	}
	return out
}

// upTo waits for the entry seq of a conversation.
func (d *device) upTo(id chat.ConversationID, seq chat.Seq) []chat.Entry {
	d.t.Helper()
	d.wait("entry "+id.String(), func() bool {
		for i := len(d.events) - 1; i >= 0; i-- {
			var entry chat.Entry
			if d.events[i].name == wire.EventEntry && json.Unmarshal(d.events[i].data, &entry) == nil &&
				entry.ConversationID == id && entry.Seq >= seq {
				return true
			}
		}
		return false
	})
	return d.entries(id)
}

// count gives how many events of a name have come.
func (d *device) count(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, e := range d.events {
		if e.name == name {
			n++
		}
	}
	return n
}

// ack is the answer to a request.
type ack struct {
	OK    bool            `json:"ok"`
	Data  json.RawMessage `json:"data"`
	Error wire.Error      `json:"error"`
}

// call makes a request and gives its answer.
func (d *device) call(event string, payload any) ack {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := d.client.Call(ctx, event, payload)
	if err != nil {
		d.t.Fatalf("%s: %v (%v)", event, err, d.closed)
	}
	var a ack
	if len(m.Args) != 1 {
		d.t.Fatalf("%s: got %d arguments in the answer, want 1", event, len(m.Args))
	}
	if err := json.Unmarshal(m.Args[0], &a); err != nil {
		d.t.Fatalf("%s: %s: %v", event, m.Args[0], err)
	}
	return a
}

// must makes a request that has to be accepted.
func (d *device) must(event string, payload any) ack {
	d.t.Helper()
	a := d.call(event, payload)
	if !a.OK {
		d.t.Fatalf("%s: got %+v, want it accepted", event, a.Error)
	}
	return a
}

// refused makes a request that has to be refused with a code.
func (d *device) refused(event string, payload any, code chat.Code) ack {
	d.t.Helper()
	a := d.call(event, payload)
	if a.OK || a.Error.Code != code {
		d.t.Fatalf("%s %v: got ok=%v %s, want %s", event, payload, a.OK, a.Error.Code, code)
	}
	return a
}

// send sends a message and gives its entry.
func (d *device) send(id chat.ConversationID, clientID, text string) chat.Entry {
	d.t.Helper()
	return entryOf(d.t, d.must(wire.EventMessageSend, map[string]any{"conversation_id": id, "client_id": clientID, "text": text}))
}

func entryOf(t testing.TB, a ack) chat.Entry {
	t.Helper()
	var data struct{ Entry chat.Entry }
	if err := json.Unmarshal(a.Data, &data); err != nil {
		t.Fatalf("%s: %v", a.Data, err)
	}
	return data.Entry
}
