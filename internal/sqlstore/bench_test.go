//go:build linux

package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// BenchmarkCommit measures durable messages: batches of so many, spread over so
// many conversations of two people, who write in turn. One operation is one message.
//
//	go test ./internal/sqlstore -run - -bench Commit -benchtime 40000x
func BenchmarkCommit(b *testing.B) {
	for _, conversations := range []int{1, 500, 10_000} {
		for _, size := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("conversations=%d/batch=%d", conversations, size), func(b *testing.B) {
				benchmarkCommit(b, open(b), conversations, size)
			})
		}
	}
}

func benchmarkCommit(b *testing.B, s *sqlstore.Store, conversations, size int) {
	w := newWriter(b, s, conversations)
	b.ReportAllocs()
	cost := spent(b)
	b.ResetTimer()
	for n := 0; n < b.N; n += size {
		w.commit(b, min(size, b.N-n))
	}
	b.StopTimer()
	now := spent(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric((now.cpu-cost.cpu).Seconds()*1e6/float64(b.N), "cpu-us/message")
	b.ReportMetric(float64(now.written-cost.written)/float64(b.N), "written-B/message")
}

// BenchmarkSteady measures how long a commit takes at 5,000 messages a second,
// for ten seconds, with and without Maintain: what the slowest of a hundred waits.
//
//	go test ./internal/sqlstore -run - -bench Steady -benchtime 1x
func BenchmarkSteady(b *testing.B) {
	const each, every, total = 10, 2 * time.Millisecond, 10 * time.Second
	for _, maintained := range []bool{false, true} {
		b.Run(fmt.Sprintf("maintained=%v", maintained), func(b *testing.B) {
			s := open(b)
			w := newWriter(b, s, 500)
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				if maintained {
					s.Maintain(ctx, func(err error) { b.Error(err) })
				}
			}()
			var took []time.Duration
			began := time.Now()
			for due := time.Duration(0); due < total; due += every {
				time.Sleep(due - time.Since(began))
				w.commit(b, each)
				took = append(took, time.Since(began)-due)
			}
			cancel()
			<-done
			slices.Sort(took)
			for name, at := range map[string]int{"p50-ms": len(took) / 2, "p99-ms": len(took) * 99 / 100, "max-ms": len(took) - 1} {
				b.ReportMetric(float64(took[at].Microseconds())/1000, name)
			}
		})
	}
}

// spending is what the process has used: unlike elapsed time it does not depend
// on who else uses the machine.
type spending struct {
	cpu     time.Duration
	written int64
}

func spent(b *testing.B) (s spending) {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	s.cpu = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(io)) {
		if _, err := fmt.Sscanf(line, "wchar: %d", &s.written); err == nil {
			break
		}
	}
	return s
}

// writer makes batches of messages as the sequencer would, without deciding anything.
type writer struct {
	s     *sqlstore.Store
	p     chat.PartitionID
	next  int64
	heads []chat.Conversation
	text  string
}

func newWriter(b testing.TB, s *sqlstore.Store, conversations int) *writer {
	w := &writer{s: s, p: chat.PartitionID{Log: "bench"}, text: strings.Repeat("hello ", 20)}
	world := chattest.NewWorld(b, s)
	var cmds []chat.Command
	for i := range conversations {
		cmds = append(cmds, chattest.CreateDirect(chattest.User(2*i), chattest.User(2*i+1)))
		if len(cmds) == 1000 || i == conversations-1 {
			batch, _, err := world.Decide(cmds...)
			if err == nil {
				err = s.Commit(b.Context(), batch)
			}
			if err != nil {
				b.Fatal(err)
			}
			world.Next = batch.Next
			for _, ch := range batch.Changes {
				w.heads = append(w.heads, ch.Head)
			}
			cmds = nil
		}
	}
	return w
}

func (w *writer) commit(b testing.TB, size int) {
	batch := &chat.Batch{Partition: w.p, From: w.next, Next: w.next + int64(size), At: chattest.Epoch}
	for range size {
		i := int(w.next*7919) % len(w.heads)
		h := &w.heads[i]
		h.Seq++
		h.Messages++
		h.LastMessage = h.Seq
		e := &chat.Entry{
			ConversationID: h.ID, Seq: h.Seq, At: chattest.Epoch, SenderID: chattest.User(2*i + int(h.Seq)%2), Kind: chat.KindMessage,
			ClientID: chattest.RecordID(int(w.next)).String(), Ordinal: h.Messages, Text: w.text,
		}
		batch.Changes = append(batch.Changes, &chat.Change{Entry: e, Head: *h})
		batch.JSON = append(batch.JSON, e.AppendJSON(nil))
		w.next++
	}
	if err := w.s.Commit(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
}
