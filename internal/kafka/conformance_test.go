package kafka

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

var engines chattest.Engines

func TestMain(m *testing.M) { os.Exit(engines.Around(m)) }

func TestConformanceOnTheFake(t *testing.T) {
	chattest.Log(t, func(t *testing.T) chat.Log {
		l, _ := openLog(t, urlOf(fake(t), "?partitions=5"))
		return l
	})
}

func TestConformanceOnRealBrokers(t *testing.T) {
	chattest.Log(t, func(t *testing.T) chat.Log {
		l, _ := openLog(t, realURL(t, "PARLEY_TEST_KAFKA", "partitions=5"))
		return l
	})
}

// realURL gives the address of a log of the test's own on real brokers.
func realURL(t testing.TB, variable, options string) string {
	t.Helper()
	brokers, query, _ := strings.Cut(engines.Address(t, variable, "kafka"), "?")
	url := strings.TrimSuffix(brokers, "/") + "/test-" + strings.ToLower(rand.Text()) + ".commands?" + options
	if query != "" {
		url += "&" + query
	}
	t.Cleanup(func() { removeTopics(t, url) })
	return url
}

// removeTopics leaves the brokers as they were.
func removeTopics(t testing.TB, url string) {
	t.Helper()
	cfg, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kadm.NewOptClient(cfg.client()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := client.DeleteTopics(ctx, cfg.Topic, cfg.sibling("dead"), cfg.sibling("entries")); err != nil {
		t.Errorf("remove topics: %v", err)
	}
}

// TestRealBrokersShareTheWork is what the fake shows too, on what it stands for:
// two nodes, one of which leaves, and every record once and in order.
func TestRealBrokersShareTheWork(t *testing.T) {
	url := realURL(t, "PARLEY_TEST_KAFKA", "partitions=4")
	first, gone := openLog(t, url)
	second, _ := openLog(t, url)
	s := newTable()
	stop := run(t, first, s.own)
	run(t, second, s.own)
	owned := func() (int, int) { return len(first.Stats().Owned), len(second.Stats().Owned) }
	eventually(t, "two partitions each", func() bool { a, b := owned(); return a == 2 && b == 2 })
	var wait sync.WaitGroup
	wait.Go(func() { appendUntilApplied(t, first, gone, s, upTo(8), 100) })
	eventually(t, "100 records", func() bool { return s.count() > 100 })
	stop()
	wait.Wait()
	if _, b := owned(); b != 4 || s.fenced != 0 {
		t.Errorf("got %d partitions of the second node and %d commits fenced, want 4 and none", b, s.fenced)
	}
	if err := second.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func TestRealBrokersKeepTheFeed(t *testing.T) {
	l, _ := openLog(t, realURL(t, "PARLEY_TEST_KAFKA", "partitions=2"))
	e := &chat.Entry{ConversationID: conversation(1), Seq: 1, Kind: chat.KindMessage, Text: "hello"}
	if err := l.PublishEntries(t.Context(), []*chat.Entry{e, e}, [][]byte{e.AppendJSON(nil), e.AppendJSON(nil)}); err != nil {
		t.Fatal(err)
	}
	for _, r := range readRecords(t, l.cfg.Brokers, l.entries, 2) {
		if string(r.Key) != e.ConversationID.String() || string(r.Value) != string(e.AppendJSON(nil)) {
			t.Errorf("got %s: %s", r.Key, r.Value)
		}
	}
}

func TestRealBrokersSecureConnections(t *testing.T) {
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			url := realURL(t, "PARLEY_TEST_KAFKA_TLS", "partitions=1&sasl="+mechanism)
			l, _ := openLog(t, url)
			s := newTable()
			run(t, l, s.own)
			mustAppend(t, l, record(conversation(1), 0))
			eventually(t, "the record", func() bool { return s.count() == 1 })
			if _, _, err := tryOpen(t, strings.Replace(url, "-secret@", "-guess@", 1)); err == nil || strings.Contains(err.Error(), "guess") {
				t.Errorf("with a wrong password: got %v, want an error without it", err)
			}
			if _, err := await(t, strings.Replace(url, "-secret@", "-guess@", 1)); err == nil || strings.Contains(err.Error(), "guess") {
				t.Errorf("with a wrong password, at the start: got %v, want an error without it", err)
			}
		})
	}
}
