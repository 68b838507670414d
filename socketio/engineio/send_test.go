package engineio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
)

func frameOf(size int) *engineio.Frame {
	return engineio.NewFrame(bytes.Repeat([]byte("x"), size))
}

// fill sends until the connection is closed and returns how many frames were taken.
func fill(t *testing.T, c *engineio.Conn, f *engineio.Frame) int {
	t.Helper()
	for n := range 1_000_000 {
		if err := c.Send(f, 0); err != nil {
			if !errors.Is(err, engineio.ErrClosed) {
				t.Fatalf("got %v, want ErrClosed", err)
			}
			return n
		}
	}
	t.Fatal("a client that does not read was never closed")
	return 0
}

func TestSlowConsumerByBytes(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		slow, quick := dial(t, a), dial(t, a)
		fill(t, a.conn(t, 0), frameOf(16<<10))
		a.wantClosed(t, engineio.ReasonSlowConsumer)
		if n := a.srv.Outbound(); n != 0 {
			t.Errorf("%d bytes are still counted", n)
		}
		slow.WantEnd()
		quick.Send("4others do not notice")
		quick.Want("4others do not notice")
		if notes := a.noted(); !strings.HasPrefix(notes, "behind") {
			t.Errorf("told %q, want to be told that it was behind", notes)
		}
	})
}

func TestSlowConsumerByFrames(t *testing.T) {
	a := start(t, engineio.Options{})
	openPolling(t, a.addr)
	if n := fill(t, a.conn(t, 0), frameOf(1)); n != 512 {
		t.Errorf("%d frames waited, want 512", n)
	}
	a.wantClosed(t, engineio.ReasonSlowConsumer)
}

func TestSlowConsumerByTime(t *testing.T) {
	models(t, engineio.Options{FlushTimeout: 200 * time.Millisecond, MaxBufferBytes: 64 << 20, MaxBufferFrames: 1 << 20}, func(t *testing.T, a *app) {
		dial(t, a)
		c := a.conn(t, 0)
		rawtest.Eventually(t, "something waits", func() bool {
			err := c.Send(frameOf(64<<10), 0)
			if err != nil && !errors.Is(err, engineio.ErrClosed) { // on a slow machine it may be over already
				t.Fatal(err)
			}
			bytes, _ := c.Buffered()
			return err != nil || bytes > 1<<20 // more than the network takes
		})
		a.wantClosed(t, engineio.ReasonSlowConsumer)
	})
}

// One frame may be larger than the bound, if the client reads it.
func TestLargeFrame(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		c := dial(t, a)
		if err := a.conn(t, 0).Send(frameOf(20<<20), 0); err != nil {
			t.Fatal(err)
		}
		if got := c.Next(false); len(got) != 20<<20+1 {
			t.Errorf("got %d bytes", len(got))
		}
		rawtest.Eventually(t, "caught up", func() bool { return strings.HasSuffix(a.noted(), "caught up") })
	})
}

func TestOrderThroughBackpressure(t *testing.T) {
	models(t, engineio.Options{MaxBufferBytes: 64 << 20, MaxBufferFrames: 1 << 20}, func(t *testing.T, a *app) {
		c := dial(t, a)
		conn := a.conn(t, 0)
		const count = 3000
		pad := strings.Repeat("x", 4000)
		for i := range count {
			mode := engineio.Mode(0)
			if i%3 == 0 {
				mode = engineio.Mergeable
			}
			if err := conn.Send(engineio.NewFrame([]byte(fmt.Sprintf("%d %s", i, pad))), mode); err != nil {
				t.Fatal(err)
			}
		}
		for i := range count {
			c.WantPrefix(fmt.Sprintf("4%d ", i))
		}
		if b, f := conn.Buffered(); b != 0 || f != 0 {
			t.Errorf("still buffered: %d bytes, %d frames", b, f)
		}
	})
}

func TestVolatileIsDroppedBehindOthers(t *testing.T) {
	a := start(t, engineio.Options{})
	at := polled + "&sid=" + openPolling(t, a.addr)
	c := a.conn(t, 0)
	if err := c.Send(frameOf(1), engineio.Volatile); err != nil {
		t.Errorf("first: %v, want it taken", err)
	}
	if err := c.Send(frameOf(2), engineio.Volatile); !errors.Is(err, engineio.ErrDropped) {
		t.Errorf("second: %v, want ErrDropped", err)
	}
	if got := rawtest.Get(t, a.addr, at, 200); got != "4x" {
		t.Errorf("got %q", got)
	}
}

// A client that keeps up gets its volatile frames, one that does not read goes without.
func TestVolatileOverWebSocket(t *testing.T) {
	models(t, engineio.Options{MaxBufferBytes: 64 << 20}, func(t *testing.T, a *app) {
		c := dial(t, a)
		conn := a.conn(t, 0)
		for range 50 {
			if err := conn.Send(engineio.NewFrame([]byte("v")), engineio.Volatile); err != nil {
				t.Fatalf("a client that reads: %v", err)
			}
			c.Want("4v")
		}
		rawtest.Eventually(t, "volatile frame dropped", func() bool {
			return errors.Is(conn.Send(frameOf(64<<10), engineio.Volatile), engineio.ErrDropped)
		})
	})
}

// Mergeable frames for a busy connection wait for the window and come in order.
func TestMerging(t *testing.T) {
	models(t, engineio.Options{MergeWindow: 20 * time.Millisecond}, func(t *testing.T, a *app) {
		c := dial(t, a)
		conn := a.conn(t, 0)
		for i := range 100 {
			if err := conn.Send(engineio.NewFrame([]byte(fmt.Sprint(i))), engineio.Mergeable); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.Send(engineio.NewFrame([]byte("direct")), 0); err != nil { // takes the others along
			t.Fatal(err)
		}
		for i := range 100 {
			c.Want(fmt.Sprintf("4%d", i))
		}
		c.Want("4direct")
		if err := conn.Send(engineio.NewFrame([]byte("later")), engineio.Mergeable); err != nil {
			t.Fatal(err)
		}
		c.Want("4later")
	})
}

func TestTheSlowestPaysForAll(t *testing.T) {
	a := start(t, engineio.Options{MaxOutbound: 300_000, BehindBytes: 10_000, MaxBufferBytes: 1 << 30, MaxBufferFrames: 1 << 30})
	openPolling(t, a.addr)
	openPolling(t, a.addr)
	small, big := a.conn(t, 0), a.conn(t, 1)
	for range 10 {
		if err := small.Send(frameOf(10_000), 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := fill(t, big, frameOf(10_000)); n < 19 {
		t.Errorf("the slowest was closed after %d frames, want at least 19", n)
	}
	a.wantClosed(t, engineio.ReasonSlowConsumer)
	if b, _ := big.Buffered(); b != 0 {
		t.Errorf("the slowest still holds %d bytes", b)
	}
	if b, _ := small.Buffered(); b == 0 {
		t.Error("the other one was closed")
	}
}

func TestWake(t *testing.T) {
	a := start(t, engineio.Options{PingTimeout: 500 * time.Millisecond})
	openPolling(t, a.addr)
	c := a.conn(t, 0)
	c.WakeAt(c.Now() + int64(20*time.Millisecond))
	rawtest.Eventually(t, "woken", func() bool { return a.noted() == "wake" })
	c.WakeAt(c.Now() + int64(time.Hour))
	c.WakeAt(0)
}

func TestShutdown(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		c := dial(t, a)
		sid := openPolling(t, a.addr)
		answer := make(chan string, 1)
		go func() { answer <- rawtest.Get(t, a.addr, polled+"&sid="+sid, 200) }()
		rawtest.Eventually(t, "poll pending", a.conn(t, 1).PollPending)
		if err := a.conn(t, 0).Send(frameOf(100_000), 0); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), rawtest.Patience)
			defer cancel()
			done <- a.srv.Shutdown(ctx, "restart")
		}()
		if got := c.Next(false); len(got) != 100_001 {
			t.Errorf("got %d bytes, want what was waiting", len(got))
		}
		c.WantClose(1012, "restart")
		if got := <-answer; got != "1" {
			t.Errorf("poll got %q, want a close packet", got)
		}
		if err := <-done; err != nil {
			t.Fatalf("shutdown: %v", err)
		}
		a.mu.Lock()
		closed := a.closed[engineio.ReasonShutdown]
		a.mu.Unlock()
		if closed != 2 {
			t.Errorf("%d sessions told before Shutdown returned, want 2", closed)
		}
		rawtest.Get(t, a.addr, polled, 503)
		res, _ := rawtest.Request(t, a.addr, "GET "+socket, rawtest.UpgradeHeader(), "")
		if res.Status != http.StatusServiceUnavailable {
			t.Errorf("upgrade during shutdown: got %d, want 503", res.Status)
		}
	})
}

// Shutdown does not wait for a client that does not answer.
func TestShutdownOfAMuteClient(t *testing.T) {
	models(t, engineio.Options{CloseTimeout: 100 * time.Millisecond, PingTimeout: 500 * time.Millisecond}, func(t *testing.T, a *app) {
		dial(t, a)
		ctx, cancel := context.WithTimeout(context.Background(), rawtest.Patience)
		defer cancel()
		if err := a.srv.Shutdown(ctx, "restart"); err != nil {
			t.Error(err)
		}
	})
}

// Close does not leave those behind that were just saying goodbye.
func TestCloseEndsLingeringConnections(t *testing.T) {
	models(t, engineio.Options{CloseTimeout: time.Hour}, func(t *testing.T, a *app) {
		c := dial(t, a)
		a.conn(t, 0).Close(&engineio.CloseError{Reason: engineio.ReasonServerClose})
		at := polled + "&sid=" + openPolling(t, a.addr)
		a.conn(t, 1).Close(&engineio.CloseError{Reason: engineio.ReasonServerClose})
		if n := a.srv.Conns(); n != 2 {
			t.Fatalf("%d connections linger, want 2", n)
		}
		if err := a.srv.Close(); err != nil {
			t.Fatal(err)
		}
		if n := a.srv.Conns(); n != 0 {
			t.Errorf("%d connections left", n)
		}
		c.WantEnd()
		rawtest.Get(t, a.addr, at, 400)
		rawtest.Get(t, a.addr, polled, 503)
	})
}

// Connections of a Unix socket are served by the same model.
func TestUnixSocket(t *testing.T) {
	a := start(t, engineio.Options{})
	path := t.TempDir() + "/s"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	hs := &http.Server{Handler: a.srv, ReadHeaderTimeout: time.Second}
	go func() { _ = hs.Serve(ln) }()
	t.Cleanup(func() { _ = hs.Close() })
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	head := "GET " + socket + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(rawtest.UpgradeHeader(), "\r\n") + "\r\n\r\n"
	if _, err := nc.Write([]byte(head)); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Write(rawtest.Text("4over unix")); err != nil {
		t.Fatal(err)
	}
	if err := nc.SetReadDeadline(time.Now().Add(rawtest.Patience)); err != nil {
		t.Fatal(err)
	}
	got := ""
	buf := make([]byte, 4096)
	for !strings.Contains(got, "4over unix") {
		n, err := nc.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got += string(buf[:n])
	}
}

// After many connections, good and bad, nothing is left of them.
func TestNothingLeaks(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		end := []func(c *rawtest.Conn){
			func(c *rawtest.Conn) { _ = c.Net().Close() },
			func(c *rawtest.Conn) { c.Send("1") },
			func(c *rawtest.Conn) { c.Send("abc") },
			func(c *rawtest.Conn) { c.Write(rawtest.Control(8, nil)) },
			func(c *rawtest.Conn) { c.Write(rawtest.Text("4half a message")[:8]); _ = c.Net().Close() },
		}
		for i := range 200 {
			c := rawtest.Dial(t, a.addr, socket)
			end[i%len(end)](c)
			if i%len(end) != 0 && i%len(end) != 4 {
				c.WantEnd()
			}
			rawtest.Post(t, a.addr, polled+"&sid="+openPolling(t, a.addr), "1", 200)
		}
		rawtest.Eventually(t, "nothing left", func() bool {
			return a.srv.Conns() == 0 && a.srv.Known() == 0 && a.srv.Watched() == 0 && a.srv.Outbound() == 0 && a.srv.Unfinished() == 0
		})
		runtime.GC()
	})
}
