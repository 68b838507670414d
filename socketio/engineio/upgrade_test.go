package engineio_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
)

func TestUpgrade(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		sid := openPolling(t, a.addr)
		at := polled + "&sid=" + sid
		answer := make(chan string, 1)
		go func() { answer <- rawtest.Get(t, a.addr, at, 200) }()
		a.wantPoll(t)
		c := rawtest.Dial(t, a.addr, socket+"&sid="+sid)
		c.Send("2probe")
		c.Want("3probe")
		if got := <-answer; got != "6" {
			t.Errorf("pending poll got %q, want a noop packet", got)
		}
		// Until the upgrade is complete nothing is lost: it comes by the next poll.
		conn := a.conn(t, 0)
		if err := conn.Send(engineio.NewFrame([]byte("before")), 0); err != nil {
			t.Fatal(err)
		}
		if got := rawtest.Get(t, a.addr, at, 200); got != "4before" {
			t.Errorf("poll during the upgrade got %q", got)
		}
		if got := rawtest.Get(t, a.addr, at, 200); got != "6" {
			t.Errorf("idle poll during the upgrade got %q, want a noop packet", got)
		}
		if err := conn.Send(engineio.NewFrame([]byte("kept")), 0); err != nil {
			t.Fatal(err)
		}
		c.Send("5", "4hello")
		c.Want("4kept")
		c.Want("4hello")
		if got := conn.Transport(); got != engineio.WebSocket {
			t.Errorf("transport is %s", got)
		}
		rawtest.Get(t, a.addr, at, 400)
		rawtest.Post(t, a.addr, at, "4x", 400)
		second := rawtest.Dial(t, a.addr, socket+"&sid="+sid)
		second.WantClose(1008, "no upgrade")
		c.Send("4still")
		c.Want("4still")
	})
}

// What the client sent on its WebSocket before it sent a request counts before it.
func TestUpgradeIsOverBeforeTheNextRequest(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		for range 20 {
			sid := openPolling(t, a.addr)
			c := rawtest.Dial(t, a.addr, socket+"&sid="+sid)
			c.Send("2probe", "5")
			rawtest.Get(t, a.addr, polled+"&sid="+sid, 400)
			c.Send("4hello")
			c.Want("3probe")
			c.Want("4hello")
		}
	})
}

// Row E15: what goes wrong on a candidate leaves the session alone.
func TestFailedUpgrades(t *testing.T) {
	for name, f := range map[string]func(c *rawtest.Conn){
		"upgrade without a probe": func(c *rawtest.Conn) { c.Send("5"); c.WantClose(1002, "bad_packet") },
		"message on a candidate":  func(c *rawtest.Conn) { c.Send("4x"); c.WantClose(1002, "bad_packet") },
		"ping that is no probe":   func(c *rawtest.Conn) { c.Send("2"); c.WantClose(1002, "bad_packet") },
		"two probes":              func(c *rawtest.Conn) { c.Send("2probe", "2probe"); c.WantClose(1002, "bad_packet") },
		"unknown packet":          func(c *rawtest.Conn) { c.Send("x"); c.WantClose(1002, "bad_packet") },
		"bad frame":               func(c *rawtest.Conn) { c.Write([]byte{0xC1, 0x80, 0, 0, 0, 0}); c.WantClose(1002, "bad_packet") },
		"close frame":             func(c *rawtest.Conn) { c.Write(rawtest.Control(8, nil)); c.WantEnd() },
		"gone":                    func(c *rawtest.Conn) { _ = c.Net().Close() },
		"never finished":          func(c *rawtest.Conn) { c.Send("2probe"); c.WantClose(1008, "upgrade timeout") },
		"never begun":             func(c *rawtest.Conn) { c.WantClose(1008, "upgrade timeout") },
	} {
		t.Run(name, func(t *testing.T) {
			opt := engineio.Options{UpgradeTimeout: time.Minute}
			if strings.HasPrefix(name, "never") {
				opt.UpgradeTimeout = 500 * time.Millisecond
			}
			models(t, opt, func(t *testing.T, a *app) {
				sid := openPolling(t, a.addr)
				f(rawtest.Dial(t, a.addr, socket+"&sid="+sid))
				at := polled + "&sid=" + sid
				rawtest.Post(t, a.addr, at, "4still", 200)
				rawtest.Eventually(t, "echo by polling", func() bool {
					return rawtest.Get(t, a.addr, at, 200) == "4still"
				})
				// There is room for a new candidate.
				rawtest.Eventually(t, "second try", func() bool {
					c := rawtest.Dial(t, a.addr, socket+"&sid="+sid)
					c.Send("2probe")
					c.Want("3probe")
					c.Send("5", "4done")
					c.Want("4done")
					return true
				})
			})
		})
	}
}

func TestOneCandidateAtATime(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		sid := openPolling(t, a.addr)
		first := rawtest.Dial(t, a.addr, socket+"&sid="+sid)
		first.Send("2probe")
		first.Want("3probe")
		rawtest.Dial(t, a.addr, socket+"&sid="+sid).WantClose(1008, "no upgrade")
		first.Send("5", "4x")
		first.Want("4x")
	})
}

func TestSessionEndsDuringUpgrade(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		sid := openPolling(t, a.addr)
		c := rawtest.Dial(t, a.addr, socket+"&sid="+sid)
		c.Send("2probe")
		c.Want("3probe")
		rawtest.Post(t, a.addr, polled+"&sid="+sid, "1", 200)
		c.WantEnd()
		a.wantClosed(t, engineio.ReasonClientClose)
		rawtest.Eventually(t, "nothing left", func() bool { return a.srv.Conns() == 0 && a.srv.Watched() == 0 })
	})
}

// Pings come as often as is said. How late a pong may be is not short here: a
// busy machine answers late.
const (
	interval = 150 * time.Millisecond
	timeout  = 100 * time.Millisecond
	patience = time.Minute
)

func TestHeartbeat(t *testing.T) {
	models(t, engineio.Options{PingInterval: interval, PingTimeout: patience}, func(t *testing.T, a *app) {
		c := dial(t, a)
		begin := time.Now()
		for range 4 {
			c.Want("2")
			c.Send("3")
		}
		if took := time.Since(begin); took < 4*interval-10*time.Millisecond {
			t.Errorf("four pings within %v, want them %v apart", took, interval)
		}
	})
}

// What a ping has been left unanswered counts from when it was due, and is forgotten with the pong.
func TestUnanswered(t *testing.T) {
	models(t, engineio.Options{PingInterval: interval, PingTimeout: time.Hour}, func(t *testing.T, a *app) {
		opened := time.Now()
		c := dial(t, a)
		conn := a.conn(t, 0)
		c.Want("2")
		rawtest.Eventually(t, "it counts", func() bool { return conn.Unanswered() > interval })
		if got, most := conn.Unanswered(), time.Since(opened)-interval; got > most {
			t.Errorf("got %v unanswered, want at most %v", got, most)
		}
		answered := func() bool { // for less than an interval: then pings that are late are caught up with
			c.Send("3")
			for end := time.Now().Add(interval / 3); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if conn.Unanswered() == 0 {
					return true
				}
			}
			return false
		}
		for end := time.Now().Add(patience); !answered(); c.Want("2") {
			if time.Now().After(end) {
				t.Fatalf("got %v unanswered, want none", conn.Unanswered())
			}
		}
	})
}

func TestNoPong(t *testing.T) {
	models(t, engineio.Options{PingInterval: interval, PingTimeout: timeout}, func(t *testing.T, a *app) {
		c := dial(t, a)
		c.Want("2")
		c.WantClose(1008, "ping_timeout")
		a.wantClosed(t, engineio.ReasonPingTimeout)
	})
}

func TestHeartbeatByPolling(t *testing.T) {
	a := start(t, engineio.Options{PingInterval: interval, PingTimeout: patience})
	at := polled + "&sid=" + openPolling(t, a.addr)
	for range 3 {
		if got := rawtest.Get(t, a.addr, at, 200); got != "2" {
			t.Fatalf("got %q, want a ping", got)
		}
		rawtest.Post(t, a.addr, at, "3", 200)
	}
}

func TestNoPongByPolling(t *testing.T) {
	a := start(t, engineio.Options{PingInterval: interval, PingTimeout: 3 * time.Second})
	at := polled + "&sid=" + openPolling(t, a.addr)
	if got := rawtest.Get(t, a.addr, at, 200); got != "2" {
		t.Fatalf("got %q, want a ping", got)
	}
	if got := rawtest.Get(t, a.addr, at, 200); got != "1" {
		t.Errorf("got %q, want a close packet", got)
	}
	a.wantClosed(t, engineio.ReasonPingTimeout)
}

// A session nobody polls is over to the millisecond, whatever the wheel's resolution.
func TestUnpolledSessionExpires(t *testing.T) {
	a := start(t, engineio.Options{PingInterval: interval, PingTimeout: timeout})
	for range 2 {
		at := polled + "&sid=" + openPolling(t, a.addr)
		time.Sleep(interval + timeout)
		rawtest.Get(t, a.addr, at, 400)
	}
}

func TestUnfinishedMessageExpires(t *testing.T) {
	models(t, engineio.Options{BodyTimeout: 150 * time.Millisecond}, func(t *testing.T, a *app) {
		c := dial(t, a)
		c.Write(rawtest.Text("4hello")[:4])
		c.WantClose(1008, "slow_producer")
		a.wantClosed(t, engineio.ReasonSlowProducer)
		rawtest.Eventually(t, "nothing counted", func() bool { return a.srv.Unfinished() == 0 })
	})
}

func TestUnfinishedMessagesAreBoundedTogether(t *testing.T) {
	models(t, engineio.Options{MaxInbound: 100_000}, func(t *testing.T, a *app) {
		first, second := dial(t, a), dial(t, a)
		part := rawtest.Text("4" + fmt.Sprintf("%090000d", 0))
		first.Write(part[:60_000])
		rawtest.Eventually(t, "first part arrived", func() bool { return a.srv.Unfinished() == 60_000 })
		second.Write(part[:60_000])
		second.WantClose(1013, "overloaded")
		first.Write(part[60_000:])
		first.WantPrefix("4000")
		rawtest.Eventually(t, "nothing counted", func() bool { return a.srv.Unfinished() == 0 })
	})
}
