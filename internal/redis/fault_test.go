package redis

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// faults are what may happen to Redis. Each ends with Redis as it was.
var faults = []struct {
	name   string
	hurt   func(servers []*server, tick func())
	unseen bool // subscriptions stand it, so nobody need be told
}{
	{"pub/sub connections are killed", func(servers []*server, _ func()) {
		for _, s := range servers {
			s.do("CLIENT", "KILL", "TYPE", "pubsub")
		}
	}, false},
	{"all connections are killed", func(servers []*server, _ func()) {
		for _, s := range servers {
			s.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			s.do("CLIENT", "KILL", "TYPE", "pubsub")
		}
	}, false},
	{"a server is killed and started", func(servers []*server, tick func()) {
		servers[0].kill()
		tick()
		servers[0].start()
	}, false},
	{"all servers are killed and started", func(servers []*server, tick func()) {
		for _, s := range servers {
			s.kill()
		}
		tick()
		for _, s := range servers {
			s.start()
		}
	}, false},
	{"a server hangs", func(servers []*server, tick func()) {
		servers[0].signal(syscall.SIGSTOP)
		for range 5 {
			tick()
		}
		servers[0].signal(syscall.SIGCONT)
	}, false},
	{"clients are paused", func(servers []*server, tick func()) {
		for _, s := range servers {
			s.do("CLIENT", "PAUSE", "3000", "ALL")
		}
		for range 3 {
			tick()
		}
	}, false},
	{"everything is flushed", func(servers []*server, _ func()) {
		for _, s := range servers {
			s.do("FLUSHALL")
		}
	}, true},
}

// TestFaults: whatever happens to Redis, nothing hangs, everybody whom something
// may have escaped is told to resync, and afterwards all is heard again.
func TestFaults(t *testing.T) {
	needServer(t)
	for _, kind := range []string{"one Redis", "a Redis Cluster"} {
		for _, fault := range faults {
			t.Run(kind+": "+fault.name, func(t *testing.T) {
				t.Parallel() // most of the time is waiting
				servers := []*server{nil}
				if kind == "one Redis" {
					servers[0] = startServer(t, false)
				} else {
					servers = startCluster(t)
				}
				url := apart(urlOf(servers...))
				a, b := openNode(t, url, "a"), openNode(t, url, "b")
				topics := rooms(60)
				a.subscribe(t, topics...)
				b.subscribe(t, topics...)
				wantWhole(t, a, b, topics)
				told := [2]int64{a.bus.Stats().Resyncs, b.bus.Stats().Resyncs}

				fault.hurt(servers, func() { wantQuick(t, a, chattest.RoomTopic(1000)) })
				if !fault.unseen {
					eventually(t, "both nodes told to resync", func() bool {
						return a.bus.Stats().Resyncs > told[0] && b.bus.Stats().Resyncs > told[1]
					})
				}
				wantWhole(t, a, b, topics)
				wantWhole(t, b, a, topics)
				eventually(t, "outcomes from one node to the other", func() bool {
					if err := a.bus.Reply(t.Context(), []chat.Outcome{{Node: "b", Repeated: true}}); err != nil {
						t.Fatal(err)
					}
					return len(b.ear.Answers()) > 0
				})
				if s := a.bus.Stats(); s.LinksUp != s.Links || s.Links != len(servers) {
					t.Errorf("got %d of %d links up, want all %d", s.LinksUp, s.Links, len(servers))
				}
			})
		}
	}
}

var marks atomic.Int64

// wantWhole waits until one node hears each topic from the other.
func wantWhole(t *testing.T, from, to *node, topics []chat.Topic) {
	t.Helper()
	heard := make(map[chat.Topic]bool)
	first := chat.Seq(marks.Load())
	seen := 0
	eventually(t, "all topics heard", func() bool {
		for _, topic := range topics {
			if !heard[topic] {
				from.publish(t, event(topic, int(marks.Add(1))))
			}
		}
		time.Sleep(20 * time.Millisecond)
		events := to.ear.Events()
		for _, e := range events[seen:] {
			if e.Seq > first {
				heard[e.Topic] = true
			}
		}
		seen = len(events)
		return len(heard) == len(topics)
	})
}

// wantQuick checks that a node goes on without Redis: its own events are heard at
// once and no call waits for long.
func wantQuick(t *testing.T, n *node, topic chat.Topic) {
	t.Helper()
	began := time.Now()
	n.subscribe(t, topic)
	mark := int(marks.Add(1))
	n.publish(t, event(topic, mark))
	eventually(t, "the node's own event", func() bool {
		for _, e := range n.ear.Events() {
			if e.Seq == chat.Seq(mark) && e.Topic == topic {
				return true
			}
		}
		return false
	})
	if err := n.bus.Unsubscribe(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	if err := n.bus.Reply(t.Context(), []chat.Outcome{{Node: "b"}}); err != nil {
		t.Fatal(err)
	}
	if err := n.bus.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("without Redis the calls took %s, want about a second at most", took)
	}
	time.Sleep(time.Second - min(time.Second, time.Since(began)))
}

// TestSlotsThatMove takes slots from one node of a cluster to another while topics
// in them are heard.
func TestSlotsThatMove(t *testing.T) {
	needServer(t)
	t.Parallel()
	servers := startCluster(t)
	ids := make([]string, 3)
	for i, s := range servers {
		var err error
		if ids[i], err = s.do("CLUSTER", "MYID").ToString(); err != nil {
			t.Fatal(err)
		}
	}
	url := apart(urlOf(servers...))
	a := openNode(t, url, "a")
	b := &node{name: "b", bus: openBus(t, url, BusOptions{}), ear: chattest.NewRecorder()}
	b.bus.look = time.Hour // what the servers say must be enough
	b.bus.Attach("b", b.ear)
	topics := rooms(60)
	b.subscribe(t, topics...)
	wantWhole(t, a, b, topics)
	for round := range 3 {
		told := b.bus.Stats().Resyncs
		owners := make(map[int]int)
		for i, topic := range topics[:20] {
			slot := int(slotOf(b.bus.channel(topic)))
			home := slot * 3 / slotCount
			if slot < home*slotCount/3 || slot >= (home+1)*slotCount/3 {
				continue // on the edge of a range
			}
			owners[slot] = (home + round + 1) % 3
			moveSlot(servers, ids, slot, owners[slot])
			if i%5 == 0 {
				a.publish(t, event(topic, int(marks.Add(1))))
			}
		}
		eventually(t, "a node told to resync", func() bool { return b.bus.Stats().Resyncs > told })
		agree(t, servers, ids, owners)
		wantWhole(t, a, b, topics)
	}
}

// moveSlot makes a slot without keys another server's.
func moveSlot(servers []*server, ids []string, slot, to int) {
	for _, s := range append([]*server{servers[to]}, servers...) {
		s.do("CLUSTER", "SETSLOT", strconv.Itoa(slot), "NODE", ids[to])
	}
}

// agree waits until all servers name the owners of slots that were moved, and stay
// with it. Slots that move this fast meet gossip of what was before, which can leave
// the servers of different opinions for good; they are told again then.
func agree(t *testing.T, servers []*server, ids []string, owners map[int]int) {
	t.Helper()
	calm := time.Now()
	eventually(t, "servers that agree", func() bool {
		for _, s := range servers {
			nodes, err := s.do("CLUSTER", "NODES").ToString()
			if err != nil {
				t.Fatal(err)
			}
			for slot, owner := range owners {
				if !ownsSlot(nodes, ids[owner], slot) {
					moveSlot(servers, ids, slot, owner)
					calm = time.Now()
				}
			}
		}
		return time.Since(calm) > 2*time.Second
	})
}

// ownsSlot reads it from the answer to CLUSTER NODES.
func ownsSlot(nodes, id string, slot int) bool {
	for line := range strings.Lines(nodes) {
		fields := strings.Fields(strings.TrimPrefix(line, "txt:"))
		if len(fields) < 9 || fields[0] != id {
			continue
		}
		for _, r := range fields[8:] {
			first, last, ranged := strings.Cut(r, "-")
			if !ranged {
				last = first
			}
			from, err := strconv.Atoi(first)
			to, err2 := strconv.Atoi(last)
			if err == nil && err2 == nil && from <= slot && slot <= to {
				return true
			}
		}
	}
	return false
}

// TestSecureConnection: TLS with an authority of one's own, and a password.
func TestSecureConnection(t *testing.T) {
	needServer(t)
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key)
	s := &server{t: t, port: freePort(t, false), dir: t.TempDir()}
	secure := freePort(t, false)
	s.extra = []string{"--tls-port", strconv.Itoa(secure), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no"}
	s.start()
	t.Cleanup(s.kill)
	s.do("CONFIG", "SET", "requirepass", "hunter2")
	address := "127.0.0.1:" + strconv.Itoa(secure)
	n := openNode(t, "rediss://:hunter2@"+address+"?ca="+cert, "a")
	m := openNode(t, "rediss://default:hunter2@"+address+"?ca="+cert, "b")
	n.subscribe(t, chattest.RoomTopic(0))
	m.publish(t, event(chattest.RoomTopic(0), 1))
	n.ear.Wait(t, 1, 0, 0)
	for what, url := range map[string]string{
		"a wrong password": "rediss://:hunter3@" + address + "?ca=" + cert, "no authority": "rediss://:hunter2@" + address, "no TLS": "redis://:hunter2@" + address,
	} {
		cfg, err := ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		c, err := Open(ctx, cfg)
		cancel()
		if err == nil {
			c.Close()
			t.Errorf("%s: got a client, want an error", what)
		} else if strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: the error tells the password: %v", what, err)
		}
	}
}

// writeCertificate writes the certificate of 127.0.0.1 that net/http/httptest keeps.
func writeCertificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	key, err := x509.MarshalPKCS8PrivateKey(web.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: web.Certificate().Raw}, keyFile: {Type: "PRIVATE" + " KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPing(t *testing.T) {
	needServer(t)
	t.Parallel()
	servers := startCluster(t)
	c := openClient(t, urlOf(servers...))
	if !c.Cluster() {
		t.Error("got no cluster, want one")
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	servers[1].kill()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := c.Ping(ctx); err == nil {
		t.Error("one node gone: got no error")
	}
}

// TestPresenceWithoutRedis gives errors in time, and works again afterwards.
func TestPresenceWithoutRedis(t *testing.T) {
	needServer(t)
	t.Parallel()
	s := startServer(t, false)
	p := NewPresence(openClient(t, urlOf(s)))
	users := chattest.Users(3)
	if fresh, err := p.Renew(t.Context(), "a", users, chattest.Epoch); err != nil || len(fresh) != 3 {
		t.Fatalf("got %v, %v", fresh, err)
	}
	s.kill()
	if _, err := p.Renew(t.Context(), "a", users, chattest.Epoch); err == nil {
		t.Error("renew: got no error")
	}
	if _, err := p.Online(t.Context(), users, chattest.Epoch); err == nil {
		t.Error("online: got no error")
	}
	if _, err := p.Leave(t.Context(), "a", users, chattest.Epoch); err == nil {
		t.Error("leave: got no error")
	}
	s.start()
	eventually(t, "presence again, of nobody", func() bool {
		online, err := p.Online(t.Context(), users, chattest.Epoch)
		return err == nil && len(online) == 0
	})
	if fresh, err := p.Renew(t.Context(), "a", users, chattest.Epoch); err != nil || len(fresh) != 3 {
		t.Errorf("after the restart: got %v, %v, want all three", fresh, err)
	}
}

// TestPresenceForgets: keys go by themselves when nobody renews them.
func TestPresenceForgets(t *testing.T) {
	needServer(t)
	t.Parallel()
	s := startServer(t, false)
	p := NewPresence(openClient(t, urlOf(s)))
	users := chattest.Users(1200) // more than one batch
	if fresh, err := p.Renew(t.Context(), "a", users, chattest.Epoch); err != nil || len(fresh) != len(users) {
		t.Fatalf("got %d, %v, want %d", len(fresh), err, len(users))
	}
	left, err := s.do("PTTL", p.keys(users[:1])[0]).AsInt64()
	if err != nil || left <= int64(chat.PresenceLease) || left > 2*int64(chat.PresenceLease) {
		t.Errorf("got %d ms to live, %v, want more than a lease and at most two", left, err)
	}
	if gone, err := p.Leave(t.Context(), "a", users, chattest.Epoch); err != nil || len(gone) != len(users) {
		t.Errorf("leave: got %d, %v, want all", len(gone), err)
	}
	if keys, err := s.do("DBSIZE").AsInt64(); err != nil || keys != 0 {
		t.Errorf("got %d keys, %v, want none left", keys, err)
	}
}

// countingLimiter grants everything and counts.
type countingLimiter struct{ asked atomic.Int64 }

func (l *countingLimiter) Take(context.Context, string, float64, float64, float64) (chat.Time, error) {
	l.asked.Add(1)
	return 7, nil
}

// TestLimitsWithoutRedis: the node decides alone, at once, until Redis is back.
func TestLimitsWithoutRedis(t *testing.T) {
	needServer(t)
	t.Parallel()
	s := startServer(t, false)
	fallback := new(countingLimiter)
	l := NewLimiter(openClient(t, urlOf(s)), fallback, slog.New(slog.NewTextHandler(testWriter{t}, nil)))
	l.timeout = 20 * time.Second
	take := func() chat.Time {
		t.Helper()
		wait, err := l.Take(t.Context(), "k", 1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	if wait := take(); wait != 0 || fallback.asked.Load() != 0 {
		t.Errorf("got %d ms after %d fallbacks, want the shared bucket", wait, fallback.asked.Load())
	}
	l.timeout = limitTimeout
	s.signal(syscall.SIGSTOP)
	began := time.Now()
	for range 1000 {
		if wait := take(); wait != 7 {
			t.Fatalf("got %d ms, want the fallback's 7", wait)
		}
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("1000 decisions without Redis took %s", took)
	}
	s.signal(syscall.SIGCONT)
	eventually(t, "shared limits again", func() bool { return take() != 7 })
	if l.Local() != fallback.asked.Load() {
		t.Errorf("got %d local decisions, want %d", l.Local(), fallback.asked.Load())
	}
}

// TestLimitsAreShared: two nodes draw from one bucket, which Redis then forgets.
func TestLimitsAreShared(t *testing.T) {
	needServer(t)
	t.Parallel()
	s := startServer(t, false)
	granted := 0
	for range 2 {
		l := NewLimiter(openClient(t, urlOf(s)), noFallback{t}, slog.New(slog.NewTextHandler(testWriter{t}, nil)))
		l.timeout = 20 * time.Second
		for range 10 {
			wait, err := l.Take(t.Context(), "k", 1, 0.001, 12)
			if err != nil {
				t.Fatal(err)
			}
			if wait == 0 {
				granted++
			}
		}
	}
	if granted != 12 {
		t.Errorf("got %d granted of a burst of 12", granted)
	}
	if left, err := s.do("PTTL", "parley:l:k").AsInt64(); err != nil || left <= 0 {
		t.Errorf("got %d ms to live, %v, want some", left, err)
	}
}
