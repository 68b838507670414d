package socketio_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
)

// TestAnswerToTheAcceptanceIsHeard has clients answer the moment they hear that
// they were accepted, by the CONNECT packet or by what was sent during OnConnect.
func TestAnswerToTheAcceptanceIsHeard(t *testing.T) {
	srv := socketio.NewServer(socketio.Options{})
	ns := srv.Of("/")
	ns.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { return s.Emit("ready") })
	ns.OnRaw("hello", func(_ *socketio.Socket, _ socketio.Message, ack socketio.Ack) {
		if err := ack.Send("hello"); err != nil {
			t.Error(err)
		}
	})
	web := httptest.NewServer(srv)
	defer web.Close()
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range 1000 {
		c, err := client.Dial(ctx, web.URL, client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Call(ctx, "hello"); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if err := c.Drop(); err != nil {
			t.Fatal(err)
		}
	}
}
