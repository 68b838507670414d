package sequencer_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
)

// edge answers the senders of a benchmark.
type edge struct {
	mu      sync.Mutex // guards waiting
	waiting map[chat.RecordID]chan chat.Outcome
}

func (e *edge) Deliver([]chat.Event) {}
func (e *edge) Resync()              {}
func (e *edge) Outcomes(outcomes []chat.Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range outcomes {
		if c := e.waiting[o.RecordID]; c != nil {
			delete(e.waiting, o.RecordID)
			c <- o
		}
	}
}

// BenchmarkDurable measures the whole way of a message without its network: from
// the append to the outcome, with SQLite on the disk. Every sender waits for each
// ack. One operation is one durable message.
//
//	go test ./internal/sequencer -run - -bench Durable -benchtime 40000x
func BenchmarkDurable(b *testing.B) {
	for _, conversations := range []int{1, 500} {
		for _, senders := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("conversations=%d/senders=%d", conversations, senders), func(b *testing.B) {
				benchmarkDurable(b, conversations, senders)
			})
		}
	}
}

func benchmarkDurable(b *testing.B, conversations, senders int) {
	store := openSQL(b)
	log, bus, e := inproc.NewLog("memory", 1<<16), inproc.NewBus(1, 1<<17), &edge{waiting: make(map[chat.RecordID]chan chat.Outcome)}
	bus.Attach("node-1", e)
	batches, records := 0, 0
	s := sequencer.New(store, bus, sequencer.Options{Now: time.Now, Logger: quiet(), Metrics: sequencer.Metrics{
		Batch: func(n, _ int, _, _ time.Duration) { batches++; records += n },
	}})
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := log.Own(ctx, s.Own); err != nil {
			b.Error(err)
		}
	})
	running.Go(func() { store.Maintain(ctx, func(err error) { b.Error(err) }) })
	send := func(cmd chat.Command) {
		r := &chat.Record{ID: newID[chat.RecordID](), Rules: chat.RulesVersion, Node: "node-1", Command: cmd}
		answer := make(chan chat.Outcome, 1)
		e.mu.Lock()
		e.waiting[r.ID] = answer
		e.mu.Unlock()
		if err := log.Append(ctx, r); err != nil {
			b.Error(err)
			return
		}
		if o := <-answer; o.Err != nil {
			b.Error(o.Err)
		}
	}
	room := func(n int) (chat.ConversationID, chat.UserID) {
		a, z := chattest.User(2*n), chattest.User(2*n+1)
		return chat.DirectID(a, z), a
	}
	for n := range conversations {
		send(chattest.CreateDirect(chattest.User(2*n), chattest.User(2*n+1)))
	}
	text := strings.Repeat("hello ", 20)
	batches, records = 0, 0
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for n := range senders {
		wg.Go(func() {
			id, me := room(n % conversations)
			for i := n; i < b.N; i += senders {
				send(chattest.Send(id, me, newID[chat.RecordID]().String(), text))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	cancel()
	running.Wait()
	b.ReportMetric(float64(records)/float64(batches), "messages/batch")
	if err := bus.Close(); err != nil {
		b.Error(err)
	}
}

// newID makes a fresh id, as the edge does.
func newID[T ~[16]byte]() T {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails
	return T(chat.NewID[struct{}](time.Now(), random))
}
