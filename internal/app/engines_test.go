package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/kafka"
	"github.com/parley-chat/parley/internal/wire"
)

// engines are real ones, started by scripts/services where they do not run already.
var engines chattest.Engines

func TestMain(m *testing.M) { os.Exit(engines.Around(m)) }

// outside gives flags for a log and a bus out of the process, of which nobody else knows.
func outside(t *testing.T) (log, bus string) {
	t.Helper()
	name := strings.ToLower(rand.Text())
	log = engines.Address(t, "PARLEY_TEST_KAFKA", "kafka") + "/app." + name + ".commands?partitions=4"
	bus = engines.Address(t, "PARLEY_TEST_REDIS", "redis") + "?prefix=app-" + name
	return log, bus
}

func TestOneNodeOnKafkaAndRedis(t *testing.T) {
	log, bus := outside(t)
	dir := t.TempDir()
	args := []string{"--log", log, "--bus", bus, "--metrics-addr", "127.0.0.1:0"}
	s := start(t, dir, args...)
	alice, bob := s.signUp("alice"), s.signUp("bob")
	room := alice.direct(bob)
	a, b := alice.connect(), bob.connect()
	sent := a.send(room, "k1", "hello")
	b.wait(wire.EventEntry, 1)
	if again := b.send(room, "k2", "hello yourself"); again.Seq != sent.Seq+1 {
		t.Errorf("got seq %d, want %d", again.Seq, sent.Seq+1)
	}
	a.wait(wire.EventEntry, 2)

	code, found, _ := cli(t, "", "doctor", "--data-dir", dir, "--log", log, "--bus", bus)
	if code != ExitOK || !strings.Contains(found, "of 4 partitions") || !strings.Contains(found, "ok    bus            Redis") ||
		!strings.Contains(found, "the only node, for --store sqlite") {
		t.Errorf("got %d %s, want every part to be well", code, found)
	}
	s.wantMetrics(
		"parley_log_partitions_owned 4\n", `parley_log_lag{partition="3"} 0`, "parley_log_pending 0\n", "parley_log_lost_total 0\n",
		"parley_bus_links_up 1\n", "parley_bus_links_lost_total ", "parley_bus_subscriptions", "parley_limits_alone_total",
	)
	// What an operator does beside the node reaches it at once, over the bus.
	if code, _, problem := cli(t, "", "user", "disable", "bob", "--data-dir", dir, "--log", log, "--bus", bus); code != ExitOK {
		t.Fatalf("got %d %s", code, problem)
	}
	b.wait(wire.EventSessionRevoked, 1)

	s.stop()
	s = start(t, dir, args...)
	alice.s = s
	if got := alice.messages(room); len(got) != 2 || got[0].Seq != sent.Seq {
		t.Errorf("after the restart: got %v, want both messages", got)
	}
	a = alice.connect()
	if again := a.send(room, "k1", "hello"); again.Seq != sent.Seq {
		t.Errorf("a retry after the restart: got seq %d, want %d", again.Seq, sent.Seq)
	}
}

func (s *server) metrics() string {
	s.t.Helper()
	res, err := http.Get("http://" + s.app.MetricsAddr() + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// wantMetrics waits until the metrics hold all of these: they are counted while clients
// hear already of what is counted.
func (s *server) wantMetrics(all ...string) {
	s.t.Helper()
	missing := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		metrics := s.metrics()
		at := slices.IndexFunc(all, func(want string) bool { return !strings.Contains(metrics, want) })
		if at < 0 {
			return
		}
		missing = all[at]
	}
	s.t.Errorf("the metrics do not hold %q", missing)
}

// Two nodes that each have a database of their own would each have a part of the
// conversations.
func TestASecondNodeWithAStoreOfItsOwnIsRefused(t *testing.T) {
	log, bus := outside(t)
	s := start(t, t.TempDir(), "--log", log, "--bus", bus)
	alice, bob := s.signUp("alice"), s.signUp("bob")
	room := alice.direct(bob)
	cfg, _, err := config.Load(config.Source{Args: []string{"--addr", "127.0.0.1:0", "--data-dir", t.TempDir(), "--log", log, "--bus", bus}})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = second.Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "another node uses the same log") || !strings.Contains(err.Error(), "--store postgres://") {
		t.Errorf("got %v, want the second node to be refused", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	a := alice.connect()
	a.send(room, "k", "undisturbed")
}

// A node that was killed leaves its membership behind for a while, and comes back under
// the same name: it is not its own rival.
func TestTheNameOfALoneNodeIsKept(t *testing.T) {
	log, bus := outside(t)
	dir := t.TempDir()
	cfg, _, err := config.Load(config.Source{Args: []string{"--data-dir", dir, "--log", log, "--bus", bus}})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for range 2 {
		name, err := kept(cfg, aloneFile)
		if err != nil {
			t.Fatal(err)
		}
		names[name] = true
	}
	other := *cfg
	other.DataDir = t.TempDir()
	name, err := kept(&other, aloneFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 1 || names[name] {
		t.Errorf("got %v for one folder and %s for another, want one name a folder", names, name)
	}
	at, err := kafka.ParseURL(log)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := kafka.Reach(t.Context(), at); err != nil || !strings.Contains(found, "is made by the first start") {
		t.Errorf("got %q, %v; want a look to make nothing", found, err)
	}
}
