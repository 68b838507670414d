package redis

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

var engines chattest.Engines

func TestMain(m *testing.M) { os.Exit(engines.Around(m)) }

// onEach runs a test on one Redis and on a Redis Cluster.
func onEach(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("one Redis", func(t *testing.T) { test(t, engines.Address(t, "PARLEY_TEST_REDIS", "redis")) })
	t.Run("a Redis Cluster", func(t *testing.T) { test(t, engines.Address(t, "PARLEY_TEST_REDIS_CLUSTER", "redis-cluster")) })
}

// apart gives a URL under which a test has the Redis to itself.
func apart(url string) string { return url + "?prefix=test-" + strings.ToLower(rand.Text()) }

func openClient(t testing.TB, url string) *Client {
	t.Helper()
	cfg, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func openBus(t testing.TB, url string, o BusOptions) *Bus {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	b, err := NewBus(t.Context(), openClient(t, url), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// testWriter shows the words of what is tested with the test they belong to, while it runs.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", b)
	}
	return len(b), nil
}

func TestBus(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		chattest.Bus(t, func(t *testing.T) chat.Bus { return openBus(t, apart(url), BusOptions{Lanes: 3}) })
	})
}

func TestPresence(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		chattest.Presence(t, func(t *testing.T) chat.Presence { return NewPresence(openClient(t, apart(url))) })
	})
	onEach(t, func(t *testing.T, url string) {
		chattest.Presence(t, func(t *testing.T) chat.Presence { return NewAttention(openClient(t, apart(url))) })
	})
}

func TestLimiter(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		chattest.Limiter(t, func(t *testing.T) chat.Limiter {
			l := NewLimiter(openClient(t, apart(url)), noFallback{t}, slog.New(slog.NewTextHandler(testWriter{t}, nil)))
			l.timeout = 20 * time.Second // a slow machine is not what is tested
			return l
		})
	})
}

// noFallback is asked in no test in which Redis answers.
type noFallback struct{ t *testing.T }

func (f noFallback) Take(context.Context, string, float64, float64, float64) (chat.Time, error) {
	f.t.Error("the fallback was asked while Redis answers")
	return 0, nil
}

func TestCallBoard(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		chattest.CallBoard(t, func(t *testing.T) chat.CallBoard { return NewCallBoard(openClient(t, apart(url))) })
	})
}

// TestCallBoardKeepsNothingForGood looks at what a board leaves in Redis: every key
// goes by itself.
func TestCallBoardKeepsNothingForGood(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		client := openClient(t, apart(url))
		board := NewCallBoard(client)
		for room := range 3 {
			if _, err := board.Put(t.Context(), chattest.Room(room), chat.CallNote{Doc: []byte("{}"), People: chattest.Users(2), TTL: time.Hour}); err != nil {
				t.Fatal(err)
			}
		}
		c, err := client.conn()
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{board.key(chattest.Room(0)), board.key(chattest.Room(2)), board.callsOf(chattest.User(0)), board.callsOf(chattest.User(1))} {
			left, err := c.Do(t.Context(), c.B().Pttl().Key(key).Build()).AsInt64()
			if err != nil || left <= 0 || left > time.Hour.Milliseconds() {
				t.Errorf("%s: got %d ms left, %v", key, left, err)
			}
		}
		for room := range 2 * maxCallsOf {
			if _, err := board.Put(t.Context(), chattest.Room(100+room), chat.CallNote{Doc: []byte("{}"), People: []chat.UserID{chattest.User(5)}, TTL: time.Minute}); err != nil {
				t.Fatal(err)
			}
		}
		if ids, err := board.Of(t.Context(), chattest.User(5)); err != nil || len(ids) != maxCallsOf {
			t.Errorf("got %d conversations of one person, %v, want %d", len(ids), err, maxCallsOf)
		}
	})
}
