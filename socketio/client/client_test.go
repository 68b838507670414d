package client_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
)

func start(t *testing.T) *socketio.Server {
	t.Helper()
	srv := socketio.NewServer(socketio.Options{Engine: socketio.EngineOptions{
		Logger: slog.New(slog.DiscardHandler), PingInterval: 50 * time.Millisecond, PingTimeout: rawtest.Patience, // a busy machine answers late
	}})
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func ctx(t *testing.T) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(context.Background(), rawtest.Patience)
	t.Cleanup(cancel)
	return c
}

func echo(s *socketio.Socket, m socketio.Message, ack socketio.Ack) {
	if ack.Wanted() {
		_ = ack.Send(m)
		return
	}
	_ = s.Emit("back", m)
}

func TestRoundTrip(t *testing.T) {
	srv := start(t)
	ns := srv.Of("/n")
	auths := make(chan string, 1)
	ns.OnConnect(func(_ *socketio.Socket, auth json.RawMessage) error { auths <- string(auth); return nil })
	ns.OnRaw("echo", echo)
	type event struct {
		name string
		m    client.Message
	}
	events := make(chan event, 10)
	closed := make(chan error, 1)
	packets := 0
	c, err := client.Dial(ctx(t), "ws://"+rawtest.Serve(t, srv), client.Options{
		Namespace: "/n", Auth: map[string]string{"token": "t"},
		OnEvent:  func(name string, m client.Message, _ func(...any) error) { events <- event{name, m} },
		OnPacket: func([]byte) bool { packets++; return false },
		OnClose:  func(err error) { closed <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-auths; got != `{"token":"t"}` || c.ID() == "" {
		t.Errorf("auth %s, id %q", got, c.ID())
	}
	if err := c.Emit("echo", 1, []byte{2}, json.RawMessage(`{"a":3}`)); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.name != "back" || len(e.m.Args) != 3 || string(e.m.Args[2]) != `{"a":3}` || len(e.m.Attachments) != 1 {
		t.Errorf("got %+v", e)
	}
	m, err := c.Call(ctx(t), "echo", "x")
	if err != nil || len(m.Args) != 1 || string(m.Args[0]) != `"x"` {
		t.Errorf("got %s, %v", m.Args, err)
	}
	time.Sleep(120 * time.Millisecond) // heartbeats are answered
	if _, err := c.Call(ctx(t), "echo", strings.Repeat("long", 50_000)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Errorf("OnClose got %v after Close, want nil", err)
	}
	<-c.Done()
	if err := c.Emit("echo"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if _, err := c.Call(ctx(t), "echo"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if packets == 0 {
		t.Error("OnPacket was not called")
	}
}

func TestServerCloses(t *testing.T) {
	srv := start(t)
	sockets := make(chan *socketio.Socket, 1)
	srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { sockets <- s; return nil })
	addr := rawtest.Serve(t, srv)
	for _, tc := range []struct {
		end    func(*socketio.Socket)
		code   int
		reason string
	}{
		{func(s *socketio.Socket) { s.Close(4001, "kicked") }, 4001, "kicked"},
		{func(s *socketio.Socket) { s.Disconnect() }, 1000, "disconnected by server"},
	} {
		closed := make(chan error, 1)
		c, err := client.Dial(ctx(t), "http://"+addr, client.Options{OnClose: func(err error) { closed <- err }})
		if err != nil {
			t.Fatal(err)
		}
		pending := make(chan error, 1)
		if err := c.EmitAck("nobody answers", func(_ client.Message, err error) { pending <- err }); err != nil {
			t.Fatal(err)
		}
		tc.end(<-sockets)
		if err := <-pending; !errors.Is(err, client.ErrClosed) {
			t.Errorf("pending acknowledgement got %v, want ErrClosed", err)
		}
		var ce *client.CloseError
		if err := <-closed; !errors.As(err, &ce) || ce.Code != tc.code || ce.Reason != tc.reason {
			t.Errorf("got %v, want %d %s", err, tc.code, tc.reason)
		}
	}
}

func TestDialFails(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	wrong := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(wrong.Close)
	srv := start(t)

	var he *client.HandshakeError
	if _, err := client.Dial(ctx(t), wrong.URL, client.Options{}); !errors.As(err, &he) || he.Status != http.StatusNotFound {
		t.Errorf("got %v, want a 404", err)
	}
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Dial(short, "http://"+mute.Addr().String(), client.Options{}); err == nil {
		t.Error("connected to a server that says nothing")
	}
	var ce *client.ConnectError
	if _, err := client.Dial(ctx(t), "http://"+rawtest.Serve(t, srv), client.Options{Namespace: "/no"}); !errors.As(err, &ce) || ce.Message != "Invalid namespace" {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := client.Dial(ctx(t), "::", client.Options{}); err == nil {
		t.Error("connected to nothing")
	}
	if _, err := client.Dial(ctx(t), "http://"+rawtest.Serve(t, srv), client.Options{Auth: func() {}}); err == nil {
		t.Error("a function was sent as auth")
	}
}

// TLS connections are served by the portable links.
func TestTLS(t *testing.T) {
	srv := start(t)
	srv.Of("/").OnRaw("echo", echo)
	ts := httptest.NewTLSServer(srv)
	t.Cleanup(ts.Close)
	transport, ok := ts.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatalf("transport %T", ts.Client().Transport)
	}
	conf := &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, ServerName: "example.com", MinVersion: tls.VersionTLS12}
	c, err := client.Dial(ctx(t), ts.URL, client.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&tls.Dialer{Config: conf}).DialContext(ctx, network, addr)
	}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Call(ctx(t), "echo", strings.Repeat("x", 300_000))
	if err != nil || len(m.Args) != 1 || len(m.Args[0]) != 300_002 {
		t.Errorf("got %d arguments, %v", len(m.Args), err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
