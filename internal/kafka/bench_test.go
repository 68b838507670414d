package kafka

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// stamping takes every record and stamps when it came, by its number.
func stamping(came []time.Time, done chan<- struct{}) func(context.Context, chat.Partition) error {
	left := make(chan struct{}, len(came))
	go func() {
		for range came {
			<-left
		}
		close(done)
	}()
	return func(ctx context.Context, p chat.Partition) error {
		for from := int64(0); ; {
			records, err := p.Fetch(ctx, from, 512)
			if err != nil {
				return err
			}
			now := time.Now()
			for _, r := range records {
				came[r.Command.At] = now
				left <- struct{}{}
			}
			from += int64(len(records))
		}
	}
}

// BenchmarkAppendToFetch measures the way of a record from Append to its owner, at
// a rate the brokers have no trouble with, and as fast as the log takes records.
//
//	scripts/services run kafka -- go test -run - -bench AppendToFetch -benchtime 10000x ./internal/kafka
func BenchmarkAppendToFetch(b *testing.B) {
	for name, pause := range map[string]time.Duration{"at 1,000 a second": time.Millisecond, "flat out": 0} {
		b.Run(name, func(b *testing.B) {
			l, gone := openLog(b, realURL(b, "PARLEY_TEST_KAFKA", "partitions=12"))
			const warm = 2000 // what the brokers' compiler needs to get going
			all := b.N + warm
			came, sent, done := make([]time.Time, all), make([]time.Time, all), make(chan struct{})
			run(b, l, stamping(came, done))
			eventually(b, "all partitions owned", func() bool { return len(l.Stats().Owned) == 12 })
			tick := time.NewTicker(max(pause, 200*time.Microsecond))
			defer tick.Stop()
			for i := range all {
				if i == warm {
					b.ResetTimer()
				}
				if pause > 0 || i < warm {
					<-tick.C
				}
				r := record(conversation(i%1000), i)
				sent[i] = time.Now()
				for errors.Is(l.Append(b.Context(), r), chat.ErrOverloaded) {
					time.Sleep(time.Millisecond)
				}
			}
			<-done
			b.StopTimer()
			if gone.count() > 0 {
				b.Errorf("got %d lost, want none", gone.count())
			}
			waits := make([]float64, b.N)
			for i := range waits {
				waits[i] = float64(came[warm+i].Sub(sent[warm+i]).Microseconds()) / 1000
			}
			slices.Sort(waits)
			b.ReportMetric(waits[b.N/2], "p50-ms")
			b.ReportMetric(waits[b.N*99/100], "p99-ms")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
