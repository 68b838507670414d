package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
)

// members connects n clients and returns the server's ends in order.
func members(t *testing.T, srv *socketio.Server, n int) ([]*rawtest.Conn, []*socketio.Socket) {
	t.Helper()
	accepted := make(chan *socketio.Socket, n)
	srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { accepted <- s; return nil })
	addr := rawtest.Serve(t, srv)
	conns, sockets := make([]*rawtest.Conn, n), make([]*socketio.Socket, n)
	for i := range conns {
		conns[i] = join(t, addr)
		sockets[i] = <-accepted
	}
	return conns, sockets
}

func frame(t *testing.T, event string, args ...any) *socketio.Frame {
	t.Helper()
	f, err := socketio.NewFrame(event, args...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRooms(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		ns := srv.Of("/")
		conns, sockets := members(t, srv, 4)
		for i, rooms := range [][]string{{"a"}, {"a", "b"}, {"b", "b"}, nil} {
			if err := errors.Join(sockets[i].Join(rooms...), sockets[i].Join(rooms...)); err != nil { // twice is harmless
				t.Fatal(err)
			}
		}
		for _, tc := range []struct {
			sel  socketio.Selection
			want []int
		}{
			{ns.To("a"), []int{0, 1}},
			{ns.To("b"), []int{1, 2}},
			{ns.To("a", "b"), []int{0, 1, 2}},
			{ns.To("a", "b").Except(sockets[1]), []int{0, 2}},
			{ns.To("nobody"), nil},
			{ns.To(), nil},
			{ns.All(), []int{0, 1, 2, 3}},
			{ns.All().Except(sockets[3]).Volatile(), []int{0, 1, 2}},
		} {
			if n := tc.sel.Send(frame(t, "to", tc.want)); n != len(tc.want) {
				t.Errorf("sent to %d, want %v", n, tc.want)
			}
			for _, i := range tc.want {
				conns[i].Want(fmt.Sprintf(`42["to",%s]`, strings.ReplaceAll(fmt.Sprint(tc.want), " ", ",")))
			}
		}
		sockets[1].Leave("a", "never in")
		if got := sockets[1].Rooms(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("rooms %v, want b", got)
		}
		if n := ns.To("a").Send(frame(t, "x")); n != 1 {
			t.Errorf("sent to %d, want 1", n)
		}
		seen := 0
		ns.To("b").Each(func(s *socketio.Socket) { s.Leave("b"); seen++ }) // leaving meanwhile is allowed
		if seen != 2 || ns.To("b").Len() != 0 || ns.RoomCount() != 1 {
			t.Errorf("seen %d, left %d, rooms %d", seen, ns.To("b").Len(), ns.RoomCount())
		}
	})
}

// Rooms agree with a simple model, whatever is joined and left in which order.
func TestRoomsAgreeWithAModel(t *testing.T) {
	srv := start(t, socketio.Options{})
	ns := srv.Of("/")
	_, sockets := members(t, srv, 12)
	rng := rand.New(rand.NewPCG(3, 4))
	model := map[string]map[int]bool{}
	for range 5000 {
		i, room := rng.IntN(len(sockets)), fmt.Sprint("r", rng.IntN(20))
		if model[room] == nil {
			model[room] = map[int]bool{}
		}
		if rng.IntN(2) == 0 {
			if err := sockets[i].Join(room); err != nil {
				t.Fatal(err)
			}
			model[room][i] = true
		} else {
			sockets[i].Leave(room)
			delete(model[room], i)
		}
		got := map[int]bool{}
		ns.To(room).Each(func(s *socketio.Socket) { got[slices.Index(sockets, s)] = true })
		if fmt.Sprint(got) != fmt.Sprint(model[room]) || ns.To(room).Len() != len(model[room]) {
			t.Fatalf("room %s: got %v, want %v", room, got, model[room])
		}
	}
	for i, s := range sockets {
		want := 0
		for _, members := range model {
			if members[i] {
				want++
			}
		}
		if got := s.Rooms(); len(got) != want {
			t.Errorf("socket %d is in %v, want %d rooms", i, got, want)
		}
	}
}

// Each member gets each message once and in order while others come and go.
func TestRoomUnderChurn(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		ns := srv.Of("/")
		ns.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { return s.Join("room") })
		addr := rawtest.Serve(t, srv)
		const count = 2000
		var faults log
		got := make([]atomic.Int64, 8)
		for i := range got {
			connect(t, addr, client.Options{OnEvent: func(_ string, m client.Message, _ func(...any) error) {
				if want := fmt.Sprint(got[i].Load()); string(m.Args[0]) != want {
					faults.add("got %s, want %s", m.Args[0], want)
				}
				got[i].Add(1)
			}})
		}
		rawtest.Eventually(t, "all in", func() bool { return ns.Len() == len(got) })
		slowest := func() int64 {
			least := int64(count)
			for i := range got {
				least = min(least, got[i].Load())
			}
			return least
		}
		stop := make(chan struct{})
		var churning sync.WaitGroup
		churning.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					churn(t, addr, 8)
				}
			}
		})
		for i := range int64(count) {
			ns.To("room").Send(frame(t, "n", i))
			if i%100 == 0 { // nobody may fall behind for good
				rawtest.Eventually(t, "members keep up", func() bool { return slowest() > i-200 })
			}
		}
		rawtest.Eventually(t, "all has arrived", func() bool { return slowest() == count })
		close(stop)
		churning.Wait()
		if lines := faults.get(); len(lines) > 0 {
			t.Errorf("%d faults, the first: %s", len(lines), lines[0])
		}
	})
}

func TestFramesBelongToTheirNamespace(t *testing.T) {
	srv := start(t, socketio.Options{})
	_, sockets := members(t, srv, 1)
	f, err := srv.Of("/custom").NewFrame("x")
	if err != nil {
		t.Fatal(err)
	}
	rawtest.Eventually(t, "connected", sockets[0].Connected)
	if err := sockets[0].Send(f); err == nil {
		t.Error("a frame of another namespace was sent")
	}
	if _, err := socketio.NewFrame("x", func() {}); err == nil {
		t.Error("a function was encoded")
	}
	if err := sockets[0].Emit("x", make(chan int)); err == nil {
		t.Error("a channel was encoded")
	}
	if f := frame(t, "entry", json.RawMessage(`{"a":1}`), 2, []byte{3}); f.Len() == 0 {
		t.Error("an empty frame")
	}
}

// A slow client is told on, given up after the bound, and nobody else waits for it.
func TestSlowClient(t *testing.T) {
	var seen log
	opt := socketio.Options{
		OnBehind:   func(s *socketio.Socket) { seen.add("behind") },
		OnCaughtUp: func(s *socketio.Socket) { seen.add("caught up") },
	}
	models(t, opt, func(t *testing.T, srv *socketio.Server) {
		ns := srv.Of("/")
		gone := make(chan socketio.Reason, 2)
		ns.OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { gone <- r })
		conns, sockets := members(t, srv, 2)
		if err := errors.Join(sockets[0].Join("room"), sockets[1].Join("room")); err != nil {
			t.Fatal(err)
		}
		quick := conns[1]
		f := frame(t, "x", strings.Repeat("x", 4000))
		for sent := 0; sockets[0].Connected() && sent < 20_000; sent++ {
			ns.To("room").Send(f)
			quick.WantPrefix(`42["x"`)
		}
		if r := <-gone; r != socketio.ReasonSlowConsumer {
			t.Errorf("reason %s, want slow_consumer", r)
		}
		if !sockets[1].Connected() {
			t.Error("the quick client was closed")
		}
		if err := sockets[0].Send(f); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		if b, n := sockets[0].Buffered(); b != 0 || n != 0 {
			t.Errorf("%d bytes, %d frames still held", b, n)
		}
		if lines := seen.get(); !slices.Contains(lines, "behind") {
			t.Errorf("told %v", lines)
		}
	})
}

func TestShutdown(t *testing.T) {
	models(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server) {
		ns := srv.Of("/")
		var seen log
		ns.OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { seen.add("%s", r) })
		conns, sockets := members(t, srv, 2)
		rawtest.Eventually(t, "connected", func() bool { return ns.Len() == 2 })
		if err := sockets[0].Emit("reconnect", map[string]int{"after_ms": 10}); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), rawtest.Patience)
			defer cancel()
			done <- srv.Shutdown(ctx, "restart")
		}()
		conns[0].Want(`42["reconnect",{"after_ms":10}]`)
		conns[0].WantClose(1012, "restart")
		conns[1].WantClose(1012, "restart")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		seen.want(t, "shutdown", "shutdown")
	})
}

func TestShutdownWaitsForConnectHandlers(t *testing.T) {
	srv := start(t, socketio.Options{})
	var seen log
	entered, goOn := make(chan struct{}), make(chan struct{})
	srv.Of("/").OnConnect(func(*socketio.Socket, json.RawMessage) error {
		close(entered)
		<-goOn
		return nil
	})
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { seen.add("%s", r) })
	c := rawtest.Dial(t, rawtest.Serve(t, srv), socket)
	c.Send("40")
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_ = c.Net().Close() // it may be closed already
	if err := srv.Shutdown(ctx, "restart"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	close(goOn)
	if err := srv.Shutdown(context.Background(), "restart"); err != nil {
		t.Fatal(err)
	}
	if got := seen.get(); len(got) != 1 {
		t.Errorf("OnDisconnect: %v, want it once before Shutdown returns", got)
	}
}

func TestAllowOrigins(t *testing.T) {
	allow := socketio.AllowOrigins("https://app.example", "http://localhost:5173")
	for _, tc := range []struct {
		origin []string
		ok     bool
	}{
		{nil, true},
		{[]string{"https://chat.example"}, true},
		{[]string{"http://CHAT.example"}, true},
		{[]string{"https://app.example"}, true},
		{[]string{"http://localhost:5173"}, true},
		{[]string{"http://localhost:5174"}, false},
		{[]string{"https://evil.example"}, false},
		{[]string{"https://chat.example.evil.example"}, false},
		{[]string{"https://chat.example:444"}, false},
		{[]string{"null"}, false},
		{[]string{""}, false},
		{[]string{"https://chat.example", "https://chat.example"}, false},
		{[]string{"://"}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://chat.example/socket.io/", nil)
		r.Header["Origin"] = tc.origin
		err := allow(r)
		var re *socketio.RequestError
		if (err == nil) != tc.ok || err != nil && (!errors.As(err, &re) || re.Status != http.StatusForbidden) {
			t.Errorf("origin %q: got %v, want ok=%v", tc.origin, err, tc.ok)
		}
	}
}

func TestCapture(t *testing.T) {
	srv := start(t, socketio.Options{Engine: socketio.EngineOptions{Capture: func(r *http.Request) any { return r.Header.Get("Cookie") }}})
	got := make(chan any, 1)
	srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { got <- s.Captured(); return nil })
	connect(t, rawtest.Serve(t, srv), client.Options{Header: http.Header{"Cookie": {"sid=1"}}})
	if v := <-got; v != "sid=1" {
		t.Errorf("captured %v", v)
	}
}
