package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
)

// patient is a server that does not take a machine with other work for a dead client.
func patient(t *testing.T) *socketio.Server {
	t.Helper()
	srv := socketio.NewServer(socketio.Options{Engine: socketio.EngineOptions{Logger: slog.New(slog.DiscardHandler)}})
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// TestEveryTransportCarriesEverythingInOrder sends a stream, binary attachments and
// acknowledgements, while an upgrade is going on too.
func TestEveryTransportCarriesEverythingInOrder(t *testing.T) {
	for name, transport := range map[string]client.Transport{"websocket": client.WebSocket, "polling": client.Polling, "upgrade": client.Upgrade} {
		t.Run(name, func(t *testing.T) {
			srv := patient(t)
			ns := srv.Of("/")
			sockets := make(chan *socketio.Socket, 1)
			ns.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { sockets <- s; return nil })
			ns.OnRaw("echo", echo)
			const most = 100_000
			got := make(chan string, most)
			c, err := client.Dial(ctx(t), "http://"+rawtest.Serve(t, srv), client.Options{
				Transport: transport,
				OnEvent: func(_ string, m client.Message, _ func(...any) error) {
					got <- string(m.Args[0]) + string(m.Attachments[0])
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			s := <-sockets
			done := ctx(t)
			sent, answered := 0, make(chan string, most)
			expect := func(ch chan string, want string) {
				t.Helper()
				select {
				case v := <-ch:
					if v != want {
						t.Fatalf("got %q, want %q", v, want)
					}
				case <-done.Done():
					t.Fatalf("%s did not come", want)
				}
			}
			// The upgrade happens somewhere among these; some are always under way.
			const window = 20
			for i := 0; i < 300 || transport == client.Upgrade && s.Transport() != "websocket" && i < most; i++ {
				for ; sent < i+window; sent++ {
					err := c.Emit("echo", sent, []byte(fmt.Sprint("binary ", sent)))
					if err == nil {
						err = c.EmitAck("echo", func(m client.Message, err error) {
							if err != nil {
								answered <- err.Error()
								return
							}
							answered <- string(m.Args[0])
						}, sent)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				expect(got, fmt.Sprintf("%dbinary %d", i, i))
				expect(answered, fmt.Sprint(i))
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			<-c.Done()
			if err := c.Emit("echo", 1); !errors.Is(err, client.ErrClosed) {
				t.Errorf("emit after the end: got %v, want ErrClosed", err)
			}
		})
	}
}

func TestPollingTellsOfTheEnd(t *testing.T) {
	for name, transport := range map[string]client.Transport{"polling": client.Polling, "upgrade": client.Upgrade} {
		t.Run(name, func(t *testing.T) {
			srv := patient(t)
			sockets := make(chan *socketio.Socket, 2)
			srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { sockets <- s; return nil })
			srv.Of("/").OnRaw("never", func(*socketio.Socket, socketio.Message, socketio.Ack) {})
			srv.Of("/shut").OnConnect(func(*socketio.Socket, json.RawMessage) error {
				return &socketio.ConnectError{Message: "shut"}
			})
			address := "http://" + rawtest.Serve(t, srv)

			c, err := client.Dial(ctx(t), address, client.Options{Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			unanswered := make(chan error, 1)
			if err := c.EmitAck("never", func(_ client.Message, err error) { unanswered <- err }, 1); err != nil {
				t.Fatal(err)
			}
			(<-sockets).Disconnect()
			<-c.Done()
			if err := <-unanswered; !errors.Is(err, client.ErrClosed) {
				t.Errorf("got %v for what was never answered, want ErrClosed", err)
			}

			if c, err = client.Dial(ctx(t), address, client.Options{Transport: transport}); err != nil {
				t.Fatal(err)
			}
			if err := c.Drop(); err != nil {
				t.Error(err)
			}
			<-c.Done()

			var refused *client.ConnectError
			if _, err = client.Dial(ctx(t), address, client.Options{Transport: transport, Namespace: "/shut"}); !errors.As(err, &refused) {
				t.Errorf("got %v, want a ConnectError", err)
			}
		})
	}
}

// standstill is a connection that writes nothing any more once it is told to.
type standstill struct {
	net.Conn
	still  *atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (c *standstill) Write(b []byte) (int, error) {
	if c.still.Load() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c *standstill) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestDropEndsAClientThatCannotWrite drops clients whose network takes nothing, while
// they send.
func TestDropEndsAClientThatCannotWrite(t *testing.T) {
	for name, transport := range map[string]client.Transport{"websocket": client.WebSocket, "polling": client.Polling, "upgrade": client.Upgrade} {
		t.Run(name, func(t *testing.T) {
			srv := patient(t)
			sockets := make(chan *socketio.Socket, 1)
			srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { sockets <- s; return nil })
			still := &atomic.Bool{}
			c, err := client.Dial(ctx(t), "http://"+rawtest.Serve(t, srv), client.Options{
				Transport: transport,
				Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					var d net.Dialer
					nc, err := d.DialContext(ctx, network, address)
					return &standstill{Conn: nc, still: still, closed: make(chan struct{})}, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			s := <-sockets
			for deadline := ctx(t); transport == client.Upgrade && s.Transport() != "websocket" && deadline.Err() == nil; {
				time.Sleep(time.Millisecond)
			}
			still.Store(true)
			over := make(chan struct{})
			go func() {
				defer close(over)
				for c.Emit("nothing", 1) == nil {
					time.Sleep(time.Millisecond)
				}
			}()
			time.Sleep(10 * time.Millisecond) // it is writing by now, most likely
			if err := c.Drop(); err != nil {
				t.Error(err)
			}
			for what, done := range map[string]<-chan struct{}{"the client": c.Done(), "the sending": over} {
				select {
				case <-done:
				case <-ctx(t).Done():
					t.Errorf("%s does not end", what)
				}
			}
		})
	}
}
