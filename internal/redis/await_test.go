package redis

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// book keeps what is logged.
type book struct {
	t testing.TB

	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(line)
	return testWriter{b.t}.Write(line)
}

func (b *book) count(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), what)
}

// await makes a client that may do without Redis.
func await(t *testing.T, url string, logger *slog.Logger) (*Client, error) {
	t.Helper()
	cfg, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := Await(ctx, cfg, logger)
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

// TestBeginningWithoutRedis: a node that starts while Redis is away does what all do
// in an outage, says so once, and is as whole as any other when Redis comes.
func TestBeginningWithoutRedis(t *testing.T) {
	needServer(t)
	for _, kind := range []string{"one Redis", "a Redis Cluster"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			servers := []*server{nil}
			if kind == "one Redis" {
				servers[0] = startServer(t, false)
			} else {
				servers = startCluster(t)
			}
			for _, s := range servers {
				s.kill()
			}
			url := apart(urlOf(servers...))
			said := &book{t: t}
			logger := slog.New(slog.NewTextHandler(said, nil))
			client, err := await(t, url, logger)
			if err != nil {
				t.Fatalf("got %v, want a node without Redis", err)
			}
			bus, err := NewBus(t.Context(), client, BusOptions{Logger: logger})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := bus.Close(); err != nil {
					t.Error(err)
				}
			})
			a := &node{name: "a", bus: bus, ear: chattest.NewRecorder()}
			a.bus.Attach("a", a.ear)
			topics := rooms(60)
			a.subscribe(t, topics...)
			fallback := new(countingLimiter)
			limits, presence := NewLimiter(client, fallback, logger), NewPresence(client)
			users := chattest.Users(3)
			for range 2 {
				wantQuick(t, a, chattest.RoomTopic(1000))
				if wait, err := limits.Take(t.Context(), "k", 1, 1, 1); err != nil || wait != 7 {
					t.Errorf("got %d ms, %v; want the fallback's 7", wait, err)
				}
				if _, err := presence.Renew(t.Context(), "a", users, chattest.Epoch); err == nil {
					t.Error("presence without Redis: got no error")
				}
				if _, err := presence.Online(t.Context(), users, chattest.Epoch); err == nil {
					t.Error("who is online without Redis: got no error")
				}
			}
			if err := client.Ping(t.Context()); err == nil || a.bus.Whole() {
				t.Errorf("got %v and whole %t, want an error and a bus that is not", err, a.bus.Whole())
			}
			if s := a.bus.Stats(); s.Links != len(servers) || s.LinksUp != 0 {
				t.Errorf("got %d of %d links up, want none of %d", s.LinksUp, s.Links, len(servers))
			}
			if got := said.count("\n"); got != 1 {
				t.Errorf("got %d lines in the log, want one", got)
			}
			told := a.bus.Stats().Resyncs

			for _, s := range servers {
				s.start()
			}
			eventually(t, "a node that is whole and was told to resync", func() bool {
				return a.bus.Whole() && a.bus.Stats().Resyncs > told
			})
			b := openNode(t, url, "b")
			b.subscribe(t, topics...)
			wantWhole(t, a, b, topics)
			wantWhole(t, b, a, topics)
			eventually(t, "outcomes for the node", func() bool {
				if err := b.bus.Reply(t.Context(), []chat.Outcome{{Node: "a"}}); err != nil {
					t.Fatal(err)
				}
				return len(a.ear.Answers()) > 0
			})
			eventually(t, "shared limits", func() bool {
				wait, err := limits.Take(t.Context(), "k", 1, 1, 1)
				return err == nil && wait != 7
			})
			eventually(t, "presence", func() bool {
				_, err := presence.Renew(t.Context(), "a", users, chattest.Epoch)
				return err == nil
			})
			if err := client.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if client.Cluster() != (len(servers) > 1) {
				t.Errorf("got cluster %t of %d servers", client.Cluster(), len(servers))
			}
		})
	}
}

// TestRefusalsAtTheStart: what waiting does not mend is an error at once.
func TestRefusalsAtTheStart(t *testing.T) {
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
	web := httptest.NewServer(nil)
	t.Cleanup(web.Close)
	for _, c := range []struct{ what, url, want string }{
		{"a wrong password", "redis://:hunter3@" + s.address(), "WRONGPASS"},
		{"no password", "redis://" + s.address(), "NOAUTH"},
		{"a database that is not there", "redis://:hunter2@" + s.address() + "/99", "DB index is out of range"},
		{"an authority that is not known", "rediss://:hunter2@127.0.0.1:" + strconv.Itoa(secure), "certificate"},
		{"something that is not Redis", "redis://" + strings.TrimPrefix(web.URL, "http://"), ""},
	} {
		_, err := await(t, c.url, slog.New(slog.NewTextHandler(testWriter{t}, nil)))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: got %v, want an error with %q", c.what, err, c.want)
		}
	}
}

// TestAwayAtTheStart: who cannot be asked may be there later.
func TestAwayAtTheStart(t *testing.T) {
	t.Parallel()
	for what, answer := range map[string]func(net.Conn){
		"a connection that ends":    func(c net.Conn) { _ = c.Close() },
		"a server that is not read": func(c net.Conn) { _, _ = io.WriteString(c, "-LOADING Redis is loading the dataset in memory\r\n") },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				answer(c)
			}
		}()
		if c, err := await(t, "redis://"+l.Addr().String(), slog.New(slog.NewTextHandler(testWriter{t}, nil))); err != nil {
			t.Errorf("%s: got %v, want a client that looks for Redis", what, err)
		} else if err := c.Ping(t.Context()); err == nil {
			t.Errorf("%s: the client says that it reached Redis", what)
		}
	}
}

// TestTooLatePassword: a Redis that comes late and refuses is named, once, and the node
// goes on; it joins when it is let in.
func TestTooLatePassword(t *testing.T) {
	needServer(t)
	t.Parallel()
	s := startServer(t, false)
	s.kill()
	said := &book{t: t}
	client, err := await(t, "redis://:later@"+s.address(), slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.extra, s.secret = []string{"--requirepass", "sesame"}, "sesame"
	s.start()
	eventually(t, "a word about the password", func() bool { return said.count("WRONGPASS") > 0 })
	if err := client.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("got %v, want the reason", err)
	}
	s.do("ACL", "SETUSER", "default", ">later")
	eventually(t, "a client that was let in", func() bool { return client.Ping(t.Context()) == nil })
	if got := said.count("level=ERROR"); got != 1 {
		t.Errorf("got %d errors in the log, want one", got)
	}
}
