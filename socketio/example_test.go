package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
)

func Example() {
	srv := socketio.NewServer(socketio.Options{})
	ns := srv.Of("/")
	ns.OnConnect(func(s *socketio.Socket, auth json.RawMessage) error {
		if auth == nil {
			return &socketio.ConnectError{Message: "who are you?"}
		}
		return s.Join("lobby")
	})
	type said struct{ Text string }
	socketio.On(ns, "say", func(_ *socketio.Socket, p said, ack socketio.Ack) {
		f, err := socketio.NewFrame("said", p)
		if err != nil {
			return
		}
		n := ns.To("lobby").Send(f)
		_ = ack.Send(fmt.Sprintf("heard by %d", n)) // the client may be gone
	})
	ts := httptest.NewServer(srv)
	defer ts.Close()
	defer func() { _ = srv.Close() }()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	heard := make(chan string, 1)
	c, err := client.Dial(ctx, ts.URL, client.Options{
		Auth:    map[string]string{"name": "Ada"},
		OnEvent: func(event string, m client.Message, _ func(...any) error) { heard <- event + " " + string(m.Args[0]) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := c.Call(ctx, "say", said{Text: "hello"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-heard)
	fmt.Println(string(answer.Args[0]))
	_ = c.Close() // the server goes next

	// Output:
	// said {"Text":"hello"}
	// "heard by 1"
}
