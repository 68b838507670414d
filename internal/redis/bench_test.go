package redis

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// stampingSink notes when each event came, by the number in its data.
type stampingSink struct {
	mu   sync.Mutex
	came []time.Time
	left int
	done chan struct{}
}

func (s *stampingSink) Deliver(events []chat.Event) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range events {
		s.came[binary.BigEndian.Uint64(events[i].Data)] = now
	}
	if s.left -= len(events); s.left == 0 {
		close(s.done)
	}
}

func (*stampingSink) Outcomes([]chat.Outcome) {}
func (*stampingSink) Resync()                 {}

// BenchmarkPublishToDeliver measures the way of an event from one node to another,
// at a rate that Redis has no trouble with, and as fast as it goes.
//
//	scripts/services run redis redis-cluster -- go test -run - -bench PublishToDeliver -benchtime 20000x ./internal/redis
func BenchmarkPublishToDeliver(b *testing.B) {
	for _, server := range []struct{ name, variable, part string }{
		{"one Redis", "PARLEY_TEST_REDIS", "redis"}, {"a Redis Cluster", "PARLEY_TEST_REDIS_CLUSTER", "redis-cluster"},
	} {
		for name, pause := range map[string]time.Duration{"at 2,000 a second": time.Second / 2000, "flat out": 0} {
			b.Run(server.name+" "+name, func(b *testing.B) {
				url := apart(engines.Address(b, server.variable, server.part))
				publisher := openNode(b, url, "publisher")
				sink := &stampingSink{came: make([]time.Time, b.N), left: b.N, done: make(chan struct{})}
				bus := openBus(b, url, BusOptions{Bound: b.N + 1})
				bus.Attach("receiver", sink)
				topics := rooms(1000)
				if err := bus.Subscribe(b.Context(), topics...); err != nil {
					b.Fatal(err)
				}
				sent := make([]time.Time, b.N)
				tick := time.NewTicker(max(pause, time.Microsecond))
				defer tick.Stop()
				b.ResetTimer()
				for i := range b.N {
					if pause > 0 {
						<-tick.C
					}
					data := binary.BigEndian.AppendUint64(make([]byte, 0, 200), uint64(i))
					sent[i] = time.Now()
					publisher.publish(b, chat.Event{Topic: topics[i%len(topics)], Kind: chat.EventEntry, Seq: 1, Data: data[:200]})
					for pause == 0 && i%64 == 0 && !publisher.bus.out[0].roomy() {
						time.Sleep(100 * time.Microsecond)
					}
				}
				<-sink.done
				b.StopTimer()
				waits := make([]float64, b.N)
				for i := range waits {
					waits[i] = float64(sink.came[i].Sub(sent[i]).Microseconds()) / 1000
				}
				slices.Sort(waits)
				b.ReportMetric(waits[b.N/2], "p50-ms")
				b.ReportMetric(waits[b.N*99/100], "p99-ms")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// roomy reports whether the outbox holds little.
func (out *outbox) roomy() bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	return len(out.events) < 1000
}

// BenchmarkSubscribe measures what a topic costs that a node begins to hear.
func BenchmarkSubscribe(b *testing.B) {
	url := apart(engines.Address(b, "PARLEY_TEST_REDIS", "redis"))
	n := openNode(b, url, "a")
	all := rooms(b.N)
	b.ResetTimer()
	if err := n.bus.Subscribe(b.Context(), all...); err != nil {
		b.Fatal(err)
	}
	eventually(b, "all topics confirmed", func() bool { return n.confirmed() == b.N })
}

// BenchmarkTake measures one decision of a shared limit.
func BenchmarkTake(b *testing.B) {
	l := NewLimiter(openClient(b, apart(engines.Address(b, "PARLEY_TEST_REDIS", "redis"))), nil, nil)
	l.timeout = time.Minute
	for b.Loop() {
		if _, err := l.Take(b.Context(), chattest.User(1).String(), 1, 1e6, 1e6); err != nil {
			b.Fatal(err)
		}
	}
}
