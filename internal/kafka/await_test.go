package kafka

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/parley-chat/parley/internal/chat"
)

// gate is the way to a broker, which is closed at first: connections end at once.
type gate struct {
	to     string
	opened atomic.Bool
	net.Listener
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{to: to, Listener: l}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { g.pass(near) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return g
}

func (g *gate) pass(near net.Conn) {
	defer func() { _ = near.Close() }()
	if !g.opened.Load() {
		return
	}
	far, err := net.Dial("tcp", g.to)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	})
	_, _ = io.Copy(far, near)
	_ = far.Close()
	back.Wait()
}

func (g *gate) url(rest string) string { return "kafka://" + g.Addr().String() + rest }

// await makes a log that may do without brokers.
func await(t *testing.T, url string) (*Log, error) {
	t.Helper()
	cfg, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l, err := Await(ctx, cfg, Options{Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil)), Lost: new(lost).add})
	if err == nil {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = l.Close(ctx) // some tests leave no broker to close with
		})
	}
	return l, err
}

// TestBeginningWithoutBrokers: a node that starts while Kafka is away refuses what it
// cannot keep, at once, and owns and takes records when Kafka comes.
func TestBeginningWithoutBrokers(t *testing.T) {
	c := fake(t, kfake.NumBrokers(1))
	g := newGate(t, c.ListenAddrs()[0])
	l, err := await(t, g.url("?partitions=2"))
	if err != nil {
		t.Fatalf("got %v, want a log without brokers", err)
	}
	s := newTable()
	stop := run(t, l, s.own)
	if err := l.Append(t.Context(), record(conversation(1), 0)); !errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("got %v, want that the log is unavailable", err)
	}
	if err := l.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "no broker") {
		t.Errorf("got %v, want that no broker was reached", err)
	}
	if got := l.Stats(); got.Pending != 0 || len(got.Owned) != 0 {
		t.Errorf("got %+v, want nothing pending and nothing owned", got)
	}

	g.opened.Store(true)
	eventually(t, "a log that can be used", func() bool { return l.Ping(t.Context()) == nil })
	if l.Partitions() != 2 || l.Identity() == "kafka:" {
		t.Errorf("got %d partitions of %s", l.Partitions(), l.Identity())
	}
	for n := range 3 {
		mustAppend(t, l, record(conversation(1), n))
	}
	eventually(t, "the records", func() bool { return s.count() == 3 })
	stop()
	s.wantAll(t, []int{1}, 3)
}

// TestEndingWithoutBrokers: a node that never reached Kafka can be stopped all the same.
func TestEndingWithoutBrokers(t *testing.T) {
	t.Parallel()
	g := newGate(t, "")
	l, err := await(t, g.url(""))
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, newTable().own)()
}

// TestBrokersThatDoNotFit: what waiting does not mend is an error, also when it is
// found out late.
func TestBrokersThatDoNotFit(t *testing.T) {
	c := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(3, "parley.commands"))
	g := newGate(t, c.ListenAddrs()[0])
	late, err := await(t, g.url("?partitions=2"))
	if err != nil {
		t.Fatal(err)
	}
	g.opened.Store(true)
	err = late.Own(t.Context(), newTable().own)
	if err == nil || !strings.Contains(err.Error(), "3 partitions") {
		t.Errorf("late: got %v, want a word about the partitions", err)
	}
}
