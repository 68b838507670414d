package socketio_test

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
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

// Rows S1-S8: what breaks the protocol, or goes on too long, closes.
func TestBadPackets(t *testing.T) {
	joined := func(send ...string) []string { return append([]string{"40"}, send...) }
	many := func(n int, s string) []string { return slices.Repeat([]string{s}, n) }
	for name, tc := range map[string]struct {
		send []string // "!" stands for a binary frame
		code int
		text string
	}{
		"event before CONNECT":         {[]string{`42["x"]`}, 1002, "bad_packet"},
		"ack before CONNECT":           {[]string{`430[]`}, 1002, "bad_packet"},
		"DISCONNECT before CONNECT":    {[]string{`41`}, 1002, "bad_packet"},
		"nothing at all":               {nil, 1008, "connect_timeout"},
		"CONNECT, broken JSON":         {[]string{`40{`}, 1002, "bad_packet"},
		"CONNECT, array":               {[]string{`40[1]`}, 1002, "bad_packet"},
		"CONNECT twice":                {joined("40"), 1002, "joined twice"},
		"unknown namespaces":           {many(11, "40/../../etc"), 1002, "too many"},
		"large auth, again and again":  {many(11, `40{"a":"`+strings.Repeat("x", 20_000)+`"}`), 1002, "too many"},
		"unknown type":                 {joined("4abc"), 1002, "bad_packet"},
		"type of a server":             {joined(`44{"message":""}`), 1002, "bad_packet"},
		"event is an object":           {joined(`42{}`), 1002, "bad_packet"},
		"event without a name":         {joined(`42[]`), 1002, "bad_packet"},
		"event, broken JSON":           {joined(`42["x",{]`), 1002, "bad_packet"},
		"reserved connect":             {joined(`42["connect"]`), 1002, "reserved"},
		"reserved disconnecting":       {joined(`42["disconnecting"]`), 1002, "reserved"},
		"reserved error":               {joined(`42["error"]`), 1002, "reserved"},
		"reserved newListener":         {joined(`42["newListener"]`), 1002, "reserved"},
		"ack id 10^30":                 {joined(`421` + strings.Repeat("0", 30) + `["x"]`), 1002, "bad_packet"},
		"ack id negative":              {joined(`42-1["x"]`), 1002, "bad_packet"},
		"acks for ids never sent":      {joined(many(11, `437[]`)...), 1002, "nobody asked"},
		"ack, broken JSON":             {joined(`437[`), 1002, "bad_packet"},
		"attachments -1":               {joined(`45-1-["x"]`), 1002, "attachments"},
		"attachments a":                {joined(`45a-["x"]`), 1002, "attachments"},
		"attachments 11":               {joined(`4511-["x"]`), 1002, "attachments"},
		"attachments 99999999999":      {joined(`4599999999999-["x"]`), 1002, "attachments"},
		"text instead of attachment":   {joined(`451-["x"]`, `42["x"]`), 1002, "attachment expected"},
		"stray binary":                 {joined("!"), 1002, "nobody announced"},
		"11 unknown events":            {joined(many(11, `42["unknown"]`)...), 1008, "unknown_event"},
		"events for a namespace never": {joined(many(11, `42/custom,["x"]`)...), 1002, "not joined"},
		"left, and nothing else":       {joined("41"), 1008, "connect_timeout"},
		"attachments too large":        {joined(`452-["x"]`, "!!", "!!"), 1009, "payload_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := socketio.Options{ConnectTimeout: time.Minute, Engine: socketio.EngineOptions{PingTimeout: time.Second}}
			if tc.text == "connect_timeout" {
				opt.ConnectTimeout = 3 * time.Second // enough for the bystander to join
			}
			models(t, opt, func(t *testing.T, srv *socketio.Server) {
				srv.Of("/")
				addr := rawtest.Serve(t, srv)
				bystander := join(t, addr)
				c := rawtest.Dial(t, addr, socket)
				for _, s := range tc.send {
					switch s {
					case "!":
						c.Write(rawtest.Binary([]byte{1}))
					case "!!":
						c.Write(rawtest.Binary(make([]byte, 600_000)))
					case "4abc":
						c.Send(s)
					default:
						c.Send(s)
					}
				}
				c.WantClose(tc.code, tc.text)
				bystander.Send(`42["unknown"]`)
				rawtest.Eventually(t, "only the bystander left", func() bool { return srv.Stats().Connections == 1 && srv.Of("/").Len() == 1 })
			})
		})
	}
}

func TestOffencesBelowTheLimitAreHarmless(t *testing.T) {
	srv := start(t, socketio.Options{})
	ns := srv.Of("/")
	ns.OnUnknown(func(_ *socketio.Socket, event string, ack socketio.Ack) {
		if err := ack.Send("unknown_event"); err != nil {
			t.Error(err)
		}
	})
	ns.OnRaw("echo", func(_ *socketio.Socket, m socketio.Message, ack socketio.Ack) {
		if err := ack.Send(m); err != nil {
			t.Error(err)
		}
	})
	c := join(t, rawtest.Serve(t, srv))
	for range 3 {
		c.Send(`430[]`, `42/x,["e"]`, `41/x`)
	}
	for range 10 {
		c.Send(`425["what"]`)
		c.Want(`435["unknown_event"]`)
	}
	c.Send(`426["echo",1]`)
	c.Want(`436[1]`)
	if st := srv.Stats(); st.StrayAcks != 3 || st.UnknownEvents != 10 {
		t.Errorf("counted %+v", st)
	}
}

// Row S13: a panic is the sender's alone.
func TestPanic(t *testing.T) {
	opt := socketio.Options{OnPanic: func(_ *socketio.Socket, event string, v any, ack socketio.Ack) {
		if err := ack.Send("internal", event, fmt.Sprint(v)); err != nil {
			panic(err)
		}
		panic("even here")
	}}
	models(t, opt, func(t *testing.T, srv *socketio.Server) {
		ns := srv.Of("/")
		ns.OnRaw("boom", func(*socketio.Socket, socketio.Message, socketio.Ack) { panic("bang") })
		ns.OnRaw("echo", func(_ *socketio.Socket, m socketio.Message, ack socketio.Ack) {
			if err := ack.Send(m); err != nil {
				t.Error(err)
			}
		})
		ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) { panic("here too") })
		addr := rawtest.Serve(t, srv)
		c, other := join(t, addr), join(t, addr)
		c.Send(`421["boom"]`)
		c.Want(`431["internal","boom","bang"]`)
		c.Send(`422["echo",1]`)
		c.Want(`432[1]`)
		other.Send(`422["echo",2]`)
		other.Want(`432[2]`)
		c.Write(rawtest.Control(ws.OpClose, nil))
		c.WantEnd()
		rawtest.Eventually(t, "panics counted", func() bool { return srv.Stats().Panics == 2 })
	})
}

func TestCaptureAndTransport(t *testing.T) {
	srv := start(t, socketio.Options{Engine: socketio.EngineOptions{Capture: nil}})
	got := make(chan *socketio.Socket, 1)
	srv.Of("").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error { got <- s; return nil })
	c := connect(t, rawtest.Serve(t, srv), client.Options{})
	s := <-got
	rawtest.Eventually(t, "connected", s.Connected)
	if s.Transport() != "websocket" || s.Captured() != nil || s.ID() != c.ID() || len(s.ID()) != 20 {
		t.Errorf("transport %s, captured %v, id %s and %s", s.Transport(), s.Captured(), s.ID(), c.ID())
	}
	if _, ok := socketio.Data[int](s); ok {
		t.Error("data without SetData")
	}
}

// After very many connects and disconnects nothing is left: no goroutine, no descriptor,
// no entry.
func TestNothingLeaks(t *testing.T) {
	for _, portable := range []bool{false, true} {
		t.Run(map[bool]string{false: "event-driven", true: "portable"}[portable], func(t *testing.T) {
			srv := start(t, socketio.Options{Engine: socketio.EngineOptions{Portable: portable}})
			ns := srv.Of("/")
			var gone sync.WaitGroup
			ns.OnConnect(func(s *socketio.Socket, _ json.RawMessage) error {
				gone.Add(1)
				return s.Join("all", "own:"+s.ID())
			})
			ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) { gone.Done() })
			addr := rawtest.Serve(t, srv)
			count := 10_000
			if testing.Short() || portable {
				count = 1000
			}
			churn(t, addr, 100) // what is made once
			goroutines, fds := runtime.NumGoroutine(), openFiles(t)
			churn(t, addr, count)
			rawtest.Eventually(t, "connections gone", func() bool { return srv.Stats().Connections == 0 })
			gone.Wait()
			if ns.Len() != 0 || ns.To("all").Len() != 0 || ns.RoomCount() != 0 {
				t.Errorf("left: %d sockets, %d in the room, %d rooms", ns.Len(), ns.To("all").Len(), ns.RoomCount())
			}
			rawtest.Eventually(t, "goroutines gone", func() bool { return runtime.NumGoroutine() <= goroutines+5 })
			rawtest.Eventually(t, "descriptors gone", func() bool { return openFiles(t) <= fds+5 })
		})
	}
}

// churn connects and disconnects, eight at a time.
func churn(t *testing.T, addr string, count int) {
	t.Helper()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range count / 8 {
				c, err := tryConnect(addr, client.Options{})
				if err != nil {
					t.Errorf("connect: %v", err)
					return
				}
				if i%2 == 0 {
					err = c.Close()
				} else {
					err = c.Drop()
				}
				if err != nil {
					t.Errorf("close: %v", err)
				}
				<-c.Done()
			}
		})
	}
	wg.Wait()
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not Linux
	}
	return len(entries)
}
