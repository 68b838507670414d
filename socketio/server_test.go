package socketio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
	"github.com/parley-chat/parley/socketio/internal/ws"
)

const (
	base   = "/socket.io/?EIO=4"
	polled = base + "&transport=polling"
	socket = base + "&transport=websocket"
)

// models runs a test with each of the connection models.
func models(t *testing.T, opt socketio.Options, f func(t *testing.T, srv *socketio.Server)) {
	t.Helper()
	for _, portable := range []bool{false, true} {
		t.Run(map[bool]string{false: "event-driven", true: "portable"}[portable], func(t *testing.T) {
			t.Parallel()
			opt := opt
			opt.Engine.Portable = portable
			f(t, start(t, opt))
		})
	}
}

func start(t *testing.T, opt socketio.Options) *socketio.Server {
	t.Helper()
	if opt.Engine.Logger == nil {
		opt.Engine.Logger = slog.New(slog.DiscardHandler)
	}
	srv := socketio.NewServer(opt)
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return srv
}

// join opens a WebSocket and joins the namespace "/".
func join(t *testing.T, addr string) *rawtest.Conn {
	t.Helper()
	c := rawtest.Dial(t, addr, socket)
	c.WantPrefix("0{")
	c.Send("40")
	c.WantPrefix(`40{"sid":"`)
	return c
}

func connect(t *testing.T, addr string, opt client.Options) *client.Client {
	t.Helper()
	c, err := tryConnect(addr, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // it may be gone already
	return c
}

func tryConnect(addr string, opt client.Options) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), rawtest.Patience)
	defer cancel()
	return client.Dial(ctx, "http://"+addr, opt)
}

// log collects what happened, from any goroutine.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) get() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (l *log) want(t *testing.T, lines ...string) {
	t.Helper()
	rawtest.Eventually(t, "enough lines", func() bool { return len(l.get()) >= len(lines) })
	if got := l.get(); !slices.Equal(got, lines) {
		t.Errorf("got  %q\nwant %q", got, lines)
	}
}

func TestConnect(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		var seen log
		for _, name := range []string{"/", "/custom"} {
			srv.Of(name).OnConnect(func(s *socketio.Socket, auth json.RawMessage) error {
				seen.add("%s %s", s.Namespace().Name(), auth)
				return nil
			})
		}
		addr := rawtest.Serve(t, srv)
		c := rawtest.Dial(t, addr, socket)
		c.WantPrefix("0{")
		c.Send("40")
		c.WantPrefix(`40{"sid":"`)
		c.Send(`40/custom,{"token":"abc"}`)
		c.WantPrefix(`40/custom,{"sid":"`)
		c.Send("40/random")
		c.Want(`44/random,{"message":"Invalid namespace"}`)
		c.Send("40/")
		c.WantClose(1002, "joined twice")
		seen.want(t, "/ ", `/custom {"token":"abc"}`)
	})
}

func TestConnectRefused(t *testing.T) {
	var logged bytes.Buffer
	srv := start(t, socketio.Options{Engine: socketio.EngineOptions{Logger: slog.New(slog.NewTextHandler(&logged, nil))}})
	var gone log
	srv.Of("/").OnConnect(func(s *socketio.Socket, auth json.RawMessage) error {
		switch string(auth) {
		case `{"t":"bad"}`:
			if err := errors.Join(s.Join("room"), s.Emit("never", 1)); err != nil {
				t.Error(err)
			}
			return fmt.Errorf("check: %w", &socketio.ConnectError{Message: "no", Data: map[string]string{"code": "unauthenticated"}})
		case `{"t":"db"}`:
			return errors.New("secret address of the database")
		case `{"t":"panic"}`:
			panic("boom")
		}
		return nil
	})
	srv.Of("/").OnDisconnect(func(*socketio.Socket, socketio.Reason) { gone.add("gone") })
	addr := rawtest.Serve(t, srv)
	for auth, want := range map[string]string{
		"bad":   `44{"message":"no","data":{"code":"unauthenticated"}}`,
		"db":    `44{"message":"internal","data":{"code":"internal"}}`,
		"panic": `44{"message":"internal","data":{"code":"internal"}}`,
	} {
		c := rawtest.Dial(t, addr, socket)
		c.WantPrefix("0{")
		c.Send(fmt.Sprintf(`40{"t":%q}`, auth))
		c.Want(want)
		c.Send("40") // may try again on the same connection
		c.WantPrefix("40{")
		if n := srv.Of("/").To("room").Len(); n != 0 {
			t.Errorf("%s: a refused socket is in a room", auth)
		}
	}
	_, err := tryConnect(addr, client.Options{Auth: map[string]string{"t": "bad"}})
	var ce *client.ConnectError
	if !errors.As(err, &ce) || ce.Message != "no" || string(ce.Data) != `{"code":"unauthenticated"}` {
		t.Errorf("client got %v", err)
	}
	if lines := gone.get(); len(lines) != 0 {
		t.Errorf("OnDisconnect called for refused sockets: %v", lines)
	}
	if srv.Stats().Panics != 1 {
		t.Errorf("panics counted: %d", srv.Stats().Panics)
	}
}

// Sends during OnConnect, of the handler and of others, follow the acceptance in order.
func TestSendsDuringConnectFollowTheAcceptance(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		ns := srv.Of("/")
		frame := func(i int) *socketio.Frame {
			f, err := socketio.NewFrame("n", i)
			if err != nil {
				t.Error(err)
			}
			return f
		}
		ns.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error {
			if err := s.Join("room"); err != nil {
				return err
			}
			for i := range 10 {
				if n := ns.To("room").Send(frame(i)); n != 1 {
					t.Errorf("sent to %d sockets, want 1", n)
				}
			}
			return s.Emit("ready")
		})
		c := rawtest.Dial(t, rawtest.Serve(t, srv), socket)
		c.WantPrefix("0{")
		c.Send("40")
		c.WantPrefix("40{")
		for i := range 10 {
			c.Want(fmt.Sprintf(`42["n",%d]`, i))
		}
		c.Want(`42["ready"]`)
		ns.To("room").Send(frame(10))
		c.Want(`42["n",10]`)
	})
}

func TestClientGoneDuringConnect(t *testing.T) {
	srv := start(t, socketio.Options{})
	var seen log
	entered, goOn := make(chan *socketio.Socket), make(chan struct{})
	srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error {
		entered <- s
		<-goOn
		seen.add("accepted")
		return nil
	})
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { seen.add("gone %s", r) })
	c := rawtest.Dial(t, rawtest.Serve(t, srv), socket)
	c.Send("40")
	s := <-entered
	if err := c.Net().Close(); err != nil {
		t.Fatal(err)
	}
	rawtest.Eventually(t, "rooms closed to it", func() bool { return errors.Is(s.Join("room"), socketio.ErrClosed) })
	close(goOn)
	seen.want(t, "accepted", "gone transport_close")
	if n := srv.Of("/").Len(); n != 0 {
		t.Errorf("%d sockets left", n)
	}
}

func TestConnectQueueIsBounded(t *testing.T) {
	srv := start(t, socketio.Options{ConnectWorkers: 1, ConnectQueue: 1})
	goOn := make(chan struct{})
	entered := make(chan struct{}, 10)
	srv.Of("/").OnConnect(func(*socketio.Socket, json.RawMessage) error {
		entered <- struct{}{}
		<-goOn
		return nil
	})
	addr := rawtest.Serve(t, srv)
	conns := make([]*rawtest.Conn, 3)
	for i := range conns {
		conns[i] = rawtest.Dial(t, addr, socket)
		conns[i].WantPrefix("0{")
		conns[i].Send("40")
		if i == 0 {
			<-entered
		}
		if i == 1 {
			conns[i].Send("40/nowhere") // its answer shows that the first packet has been taken
			conns[i].WantPrefix("44/nowhere")
		}
	}
	conns[2].Want(`44{"message":"overloaded","data":{"code":"overloaded"}}`)
	close(goOn)
	conns[0].WantPrefix("40{")
	conns[1].WantPrefix("40{")
}

type said struct {
	Text string `json:"text"`
	N    int    `json:"n"`
}

func TestTypedEvents(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		ns := srv.Of("/")
		var seen log
		socketio.On(ns, "say", func(s *socketio.Socket, p said, ack socketio.Ack) {
			seen.add("%s %d %v", p.Text, p.N, ack.Wanted())
			if err := ack.Send(p.N + 1); err != nil {
				t.Error(err)
			}
			if err := ack.Send("again"); ack.Wanted() && !errors.Is(err, socketio.ErrAckUsed) {
				t.Errorf("second answer: %v, want ErrAckUsed", err)
			}
		})
		socketio.OnDecoded(ns, "decoded", func(raw json.RawMessage) (int, error) { return len(raw), nil },
			func(_ *socketio.Socket, n int, ack socketio.Ack) {
				if err := ack.SendJSON(json.RawMessage(fmt.Sprintf(`{"length":%d}`, n))); err != nil {
					t.Error(err)
				}
			})
		ns.OnInvalid(func(_ *socketio.Socket, event string, err error, ack socketio.Ack) {
			seen.add("invalid %s %v", event, err != nil)
			if err := ack.Send("invalid"); err != nil {
				t.Error(err)
			}
		})
		c := join(t, rawtest.Serve(t, srv))
		c.Send(`42["say",{"text":"a","n":1}]`, `421["say",{"text":"b","n":2}]`)
		c.Want(`431[3]`)
		c.Send(`422["decoded",[1,2,3]]`)
		c.Want(`432[{"length":7}]`)
		for _, bad := range []string{`423["say",{"text":1}]`, `423["say"]`, `423["say",{},{}]`} {
			c.Send(bad)
			c.Want(`433["invalid"]`)
		}
		c.Send(`42["say",7]`) // without an acknowledgement it is harmless
		c.Send(`424["say",{"text":"c"}]`)
		c.Want(`434[1]`)
		seen.want(t, "a 1 false", "b 2 true", "invalid say true", "invalid say true", "invalid say true", "invalid say true", "c 0 true")
	})
}

func TestEventsOfASocketKeepTheirOrder(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		var got []int // touched by one handler at a time
		done := make(chan struct{})
		socketio.On(srv.Of("/"), "n", func(_ *socketio.Socket, n int, _ socketio.Ack) {
			if got = append(got, n); len(got) == 3000 {
				close(done)
			}
		})
		c := connect(t, rawtest.Serve(t, srv), client.Options{})
		for i := range 3000 {
			if err := c.Emit("n", i); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-done:
		case <-time.After(rawtest.Patience):
			t.Fatal("events are missing")
		}
		if !slices.IsSorted(got) {
			t.Errorf("order lost: %v", got)
		}
	})
}

// An acknowledgement may be sent later, by any goroutine.
func TestAckFromAnotherGoroutine(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		acks := make(chan socketio.Ack, 100)
		srv.Of("/").OnRaw("x", func(_ *socketio.Socket, _ socketio.Message, ack socketio.Ack) { acks <- ack })
		go func() {
			for i := range 100 {
				if err := (<-acks).Send(i); err != nil {
					t.Error(err)
				}
			}
		}()
		c := connect(t, rawtest.Serve(t, srv), client.Options{})
		for i := range 100 {
			ctx, cancel := context.WithTimeout(context.Background(), rawtest.Patience)
			m, err := c.Call(ctx, "x")
			cancel()
			if err != nil || len(m.Args) != 1 || string(m.Args[0]) != fmt.Sprint(i) {
				t.Fatalf("got %s, %v; want %d", m.Args, err, i)
			}
		}
	})
}

func TestServerAsksClient(t *testing.T) {
	models(t, socketio.Options{Engine: socketio.EngineOptions{PingTimeout: time.Second}, MaxPendingAcks: 3}, func(t *testing.T, srv *socketio.Server) {
		sockets := make(chan *socketio.Socket, 1)
		srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { sockets <- s; return nil })
		c := connect(t, rawtest.Serve(t, srv), client.Options{OnEvent: func(event string, m client.Message, ack func(...any) error) {
			if event == "sum" {
				if err := ack("sum", m.Args[0], []byte{1}); err != nil {
					t.Error(err)
				}
			}
		}})
		s := <-sockets
		rawtest.Eventually(t, "connected", s.Connected)
		ctx, cancel := context.WithTimeout(context.Background(), rawtest.Patience)
		defer cancel()
		m, err := s.Call(ctx, "sum", []int{1, 2})
		if err != nil || len(m.Args) != 3 || string(m.Args[1]) != "[1,2]" {
			t.Fatalf("got %s, %v", m.Args, err)
		}
		if b, ok := m.Binary(2); !ok || !bytes.Equal(b, []byte{1}) {
			t.Errorf("binary answer: %v %v", b, ok)
		}
		answers := make(chan error, 10)
		done := func(_ socketio.Message, err error) { answers <- err }
		if err := s.EmitAck("silence", 50*time.Millisecond, done); err != nil {
			t.Fatal(err)
		}
		if err := <-answers; !errors.Is(err, socketio.ErrAckTimeout) {
			t.Errorf("got %v, want ErrAckTimeout", err)
		}
		for range 3 {
			if err := s.EmitAck("silence", time.Hour, done); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.EmitAck("silence", time.Hour, done); !errors.Is(err, socketio.ErrTooManyAcks) {
			t.Errorf("got %v, want ErrTooManyAcks", err)
		}
		if err := c.Drop(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := <-answers; !errors.Is(err, socketio.ErrClosed) {
				t.Errorf("got %v, want ErrClosed", err)
			}
		}
		if err := s.EmitAck("silence", time.Hour, done); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
}

func TestBinary(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		srv.Of("/").OnRaw("echo", func(s *socketio.Socket, m socketio.Message, ack socketio.Ack) {
			if ack.Wanted() {
				if err := ack.Send(m); err != nil {
					t.Error(err)
				}
				return
			}
			if err := s.Emit("back", m); err != nil {
				t.Error(err)
			}
		})
		addr := rawtest.Serve(t, srv)
		c := join(t, addr)
		c.Send(`452-["echo",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]`)
		c.Write(append(rawtest.Binary([]byte{1, 2, 3}), rawtest.Binary(nil)...))
		c.Want(`452-["back",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]}]`)
		c.WantFrame(ws.OpBinary, []byte{1, 2, 3})
		c.WantFrame(ws.OpBinary, nil)

		// The same over long-polling.
		sid := sidOf(t, rawtest.Get(t, addr, polled, 200))
		at := polled + "&sid=" + sid
		rawtest.Post(t, addr, at, "40", 200)
		if got := rawtest.Get(t, addr, at, 200); !strings.HasPrefix(got, "40{") {
			t.Fatalf("got %q", got)
		}
		rawtest.Post(t, addr, at, "451-7[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID", 200)
		if got, want := rawtest.Get(t, addr, at, 200), "461-7[{\"_placeholder\":true,\"num\":0}]\x1ebAQID"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func sidOf(t *testing.T, packet string) string {
	t.Helper()
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(packet, "0")), &open); err != nil {
		t.Fatalf("open packet %q: %v", packet, err)
	}
	return open.SID
}

func TestDisconnect(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		var seen log
		sockets := make(chan *socketio.Socket, 4)
		for _, name := range []string{"/", "/custom"} {
			ns := srv.Of(name)
			ns.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error {
				sockets <- s
				s.SetData(name)
				return s.Join("room")
			})
			ns.OnDisconnect(func(s *socketio.Socket, r socketio.Reason) {
				data, ok := socketio.Data[string](s)
				seen.add("%s %s %v", data, r, ok)
			})
			ns.OnRaw("echo", func(s *socketio.Socket, m socketio.Message, _ socketio.Ack) {
				if err := s.Emit("back", m); err != nil {
					t.Error(err)
				}
			})
		}
		addr := rawtest.Serve(t, srv)
		c := join(t, addr)
		<-sockets
		c.Send("40/custom")
		c.WantPrefix("40/custom")
		custom := <-sockets
		c.Send("41/custom", `42["echo",1]`)
		c.Want(`42["back",1]`)
		seen.want(t, "/custom client_disconnect true")
		if err := custom.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("sending after the client left: %v, want ErrClosed", err)
		}
		if n := srv.Of("/custom").To("room").Len(); n != 0 {
			t.Errorf("%d left in the room", n)
		}
		c.Send("40/custom") // and back again
		c.WantPrefix("40/custom")
		(<-sockets).Disconnect()
		c.Want("41/custom,")
		c.Send(`42["echo",2]`)
		c.Want(`42["back",2]`)
		seen.want(t, "/custom client_disconnect true", "/custom server_disconnect true")

		other := join(t, addr)
		s := <-sockets
		s.Disconnect()
		s.Disconnect()
		other.Want("41")
		other.WantClose(1000, "")
		seen.want(t, "/custom client_disconnect true", "/custom server_disconnect true", "/ server_disconnect true")

		last := join(t, addr)
		(<-sockets).Close(4002, "kicked")
		last.WantClose(4002, "kicked")
		rawtest.Eventually(t, "told", func() bool { return len(seen.get()) == 4 })
		if got := seen.get()[3]; got != "/ kicked true" {
			t.Errorf("got %q", got)
		}
	})
}
