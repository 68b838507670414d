// Command conformance is the server the official Engine.IO and Socket.IO protocol suites
// expect: an Engine.IO echo at /engine.io/ and a Socket.IO server at /socket.io/ with the
// namespaces "/" and "/custom". It hides nothing; it shows how the packages are used.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/engineio"
)

func main() {
	if err := run(); err != nil {
		slog.Error("conformance server failed", "error", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", "127.0.0.1:3000", "`host:port` to listen on; port 0 picks one")
	portable := flag.Bool("portable", false, "serve with a goroutine per connection, without epoll")
	flag.Parse()

	opt := engineio.Options{
		PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond,
		MaxPayload: 1_000_000, Portable: *portable,
	}
	engine := engineio.NewServer(opt, func(c *engineio.Conn) engineio.Session { return &echo{conn: c} })
	chat := socketio.NewServer(socketio.Options{Engine: opt, ConnectTimeout: time.Second + 200*time.Millisecond})
	register(chat.Of("/"))
	register(chat.Of("/custom"))

	mux := http.NewServeMux()
	mux.Handle("/engine.io/", engine)
	mux.Handle("/socket.io/", chat)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", *addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("listening on %s\n", ln.Addr())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	down, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(
		chat.Shutdown(down, "shutdown"), engine.Shutdown(down, "shutdown"),
		srv.Shutdown(down), chat.Close(), engine.Close(),
	)
}

// authDelay keeps the "auth" event out of the network packet that carries the CONNECT
// packet. The Socket.IO suite waits for one message after the other with promises; two
// that arrive together are one too many for it (a real client has no such trouble).
const authDelay = 10 * time.Millisecond

// register adds what the Socket.IO suite calls.
func register(ns *socketio.Namespace) {
	ns.OnConnect(func(s *socketio.Socket, auth json.RawMessage) error {
		if auth == nil {
			auth = json.RawMessage("{}")
		}
		if string(auth) == `{"token":"refused"}` {
			return &socketio.ConnectError{Message: "refused", Data: map[string]string{"code": "unauthenticated"}}
		}
		time.AfterFunc(authDelay, func() {
			if err := s.Emit("auth", auth); err != nil {
				slog.Debug("auth event failed", "error", err)
			}
		})
		return nil
	})
	ns.OnRaw("message", func(s *socketio.Socket, m socketio.Message, _ socketio.Ack) {
		if err := s.Emit("message-back", m); err != nil {
			slog.Debug("echo failed", "error", err)
		}
	})
	registerMore(ns)
	ns.OnRaw("message-with-ack", func(_ *socketio.Socket, m socketio.Message, ack socketio.Ack) {
		if err := ack.Send(m); err != nil {
			slog.Debug("acknowledgement failed", "error", err)
		}
	})
}

// registerMore adds what the suite of this repository calls besides.
func registerMore(ns *socketio.Namespace) {
	logged := func(err error) {
		if err != nil {
			slog.Debug("sending failed", "error", err)
		}
	}
	// ask sends the arguments back as a question and tells the answer.
	ns.OnRaw("ask", func(s *socketio.Socket, m socketio.Message, _ socketio.Ack) {
		logged(s.EmitAck("question", time.Second, func(answer socketio.Message, err error) {
			if err != nil {
				logged(s.Emit("no-answer", err.Error()))
				return
			}
			logged(s.Emit("answer", answer))
		}, m))
	})
	socketio.On(ns, "join", func(s *socketio.Socket, room string, ack socketio.Ack) {
		logged(errors.Join(s.Join(room), ack.Send(s.Rooms())))
	})
	socketio.On(ns, "leave", func(s *socketio.Socket, room string, ack socketio.Ack) {
		s.Leave(room)
		logged(ack.Send(s.Rooms()))
	})
	type say struct{ Room, Text string }
	socketio.On(ns, "say", func(s *socketio.Socket, p say, ack socketio.Ack) {
		f, err := ns.NewFrame("said", p.Text)
		if err != nil {
			logged(err)
			return
		}
		logged(ack.Send(ns.To(p.Room).Except(s).Send(f)))
	})
	ns.OnRaw("kick", func(s *socketio.Socket, _ socketio.Message, _ socketio.Ack) { s.Disconnect() })
	ns.OnRaw("restart", func(s *socketio.Socket, _ socketio.Message, _ socketio.Ack) { s.Close(0, socketio.ReasonShutdown) })
	ns.OnRaw("panic", func(*socketio.Socket, socketio.Message, socketio.Ack) { panic("asked to") })
}

// echo is the session of the Engine.IO suite.
type echo struct{ conn *engineio.Conn }

// Message implements engineio.Session.
func (e *echo) Message(data []byte, binary bool) error {
	f := engineio.NewFrame(data)
	if binary {
		f = engineio.NewBinaryFrame(data)
	}
	if err := e.conn.Send(f, 0); err != nil {
		slog.Debug("echo failed", "error", err)
	}
	return nil
}

// Wake implements engineio.Session.
func (*echo) Wake(int64) {}

// Behind implements engineio.Session.
func (*echo) Behind() {}

// CaughtUp implements engineio.Session.
func (*echo) CaughtUp() {}

// Closed implements engineio.Session.
func (*echo) Closed(engineio.Reason) {}
