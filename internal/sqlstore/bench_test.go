//go:build linux

package sqlstore_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// stores are the databases that benchmarks compare.
var stores = []struct {
	name string
	open func(t testing.TB) *sqlstore.Store
}{{"sqlite", openSQLite}, {"postgres", openPostgres}}

// BenchmarkCommit measures durable messages: batches of so many, spread over so
// many conversations of two people, who write in turn. One operation is one
// message. Batches of 8,192 are what an owner catches up in. CPU and bytes are
// those of this process, not of a server.
//
//	go test ./internal/sqlstore -run - -bench Commit/sqlite -benchtime 40000x
//	go test ./internal/sqlstore -run - -bench Commit/postgres -benchtime 40960x
func BenchmarkCommit(b *testing.B) {
	for _, store := range stores {
		for _, conversations := range []int{1, 500, 10_000} {
			for _, size := range []int{1, 64, 512, 8192} {
				b.Run(fmt.Sprintf("%s/conversations=%d/batch=%d", store.name, conversations, size), func(b *testing.B) {
					benchmarkCommit(b, store.open(b), conversations, size)
				})
			}
		}
	}
}

func benchmarkCommit(b *testing.B, s *sqlstore.Store, conversations, size int) {
	w := newWriter(b, s, conversations)
	b.ReportAllocs()
	var took []time.Duration
	cost := spent(b)
	b.ResetTimer()
	for n := 0; n < b.N; n += size {
		began := time.Now()
		w.commit(b, min(size, b.N-n))
		took = append(took, time.Since(began))
	}
	b.StopTimer()
	now := spent(b)
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms/commit")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric((now.cpu-cost.cpu).Seconds()*1e6/float64(b.N), "cpu-us/message")
	b.ReportMetric(float64(now.written-cost.written)/float64(b.N), "written-B/message")
}

// BenchmarkSteady sends 5,000 messages a second for ten seconds and commits what
// has gathered, as the owner does: how long a message waits, with and without
// Maintain beside it.
//
//	go test ./internal/sqlstore -run - -bench Steady -benchtime 1x
func BenchmarkSteady(b *testing.B) {
	for _, maintained := range []bool{false, true} {
		b.Run(fmt.Sprintf("maintained=%v", maintained), func(b *testing.B) {
			s := openSQLite(b)
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
			took := steady(b, w)
			cancel()
			<-done
			slices.Sort(took)
			for name, at := range map[string]int{"p50-ms": len(took) / 2, "p99-ms": len(took) * 99 / 100, "max-ms": len(took) - 1} {
				b.ReportMetric(float64(took[at].Microseconds())/1000, name)
			}
		})
	}
}

// steady gives how long each message waited from when it was due to the end of its commit.
func steady(b *testing.B, w *writer) (took []time.Duration) {
	const every, total = 200 * time.Microsecond, 50_000
	for began := time.Now(); len(took) < total; {
		first := time.Duration(len(took)) * every
		time.Sleep(first - time.Since(began))
		n := min(512, total-len(took), 1+int((time.Since(began)-first)/every))
		w.commit(b, n)
		end := time.Since(began)
		for range n {
			took = append(took, end-time.Duration(len(took))*every)
		}
	}
	return took
}

var messages = flag.Int("messages", 100_000, "how many messages the conversation of BenchmarkPage has")

// BenchmarkPage reads pages of 50 messages anywhere in one long conversation.
//
//	go test ./internal/sqlstore -run - -bench Page -messages 1000000
func BenchmarkPage(b *testing.B) {
	s := openSQLite(b)
	w := newWriter(b, s, 1)
	for n := 0; n < *messages; n += 512 {
		w.commit(b, 512)
	}
	id, last := w.heads[0].ID, int(w.heads[0].Seq)
	for name, q := range map[string]chat.MessageQuery{
		"newest": {Limit: 50}, "before": {Limit: 50, Before: 1}, "after": {Limit: 50, After: 1}, "around": {Limit: 50, Around: 1},
	} {
		b.Run(name, func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				at := chat.Seq(100 + n*7919%(last-200))
				q := q
				q.Before, q.After, q.Around = q.Before*at, q.After*at, q.Around*at
				page, err := s.Messages(b.Context(), id, q)
				if err != nil || len(page) != 50 {
					b.Fatalf("got %d, %v", len(page), err)
				}
			}
		})
	}
	b.Run("entries", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			if got, err := s.Entries(b.Context(), id, chat.Seq(n*7919%(last-200)), 100, 1<<20); err != nil || len(got) != 100 {
				b.Fatalf("got %d, %v", len(got), err)
			}
		}
	})
}

// BenchmarkLists reads what a person with 5,000 conversations sees when they connect.
//
//	go test ./internal/sqlstore -run - -bench Lists
func BenchmarkLists(b *testing.B) {
	const conversations = 5000
	s := openSQLite(b)
	w := chattest.NewWorld(b, s)
	me := chattest.User(0)
	for n := 0; n < conversations; n += 500 {
		var cmds []chat.Command
		for i := range 500 {
			peer := chattest.User(n + i + 1)
			cmds = append(cmds, chattest.CreateDirect(me, peer), chattest.Send(chat.DirectID(me, peer), peer, "k", "hello"))
		}
		w.Do(cmds...)
	}
	b.Run("first page", func(b *testing.B) {
		for b.Loop() {
			if page, err := s.Conversations(b.Context(), me, "", 50); err != nil || len(page.Items) != 50 {
				b.Fatalf("got %d, %v", len(page.Items), err)
			}
		}
	})
	b.Run("memberships", func(b *testing.B) {
		for b.Loop() {
			if list, err := s.Memberships(b.Context(), me); err != nil || len(list) != conversations {
				b.Fatalf("got %d, %v", len(list), err)
			}
		}
	})
	b.Run("moved", func(b *testing.B) {
		for b.Loop() {
			if list, err := s.Moved(b.Context(), me, w.Now+1); err != nil || len(list) != 0 {
				b.Fatalf("got %d, %v", len(list), err)
			}
		}
	})
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

// BenchmarkConnect reads what one person's connection to a node that does not know them
// costs, part by part, by sixteen at a time: whose token it is, and what they see, with
// 20 conversations each.
//
//	go test ./internal/sqlstore -run - -bench Connect/postgres -benchtime 20000x
func BenchmarkConnect(b *testing.B) {
	const people, conversations = 400, 20
	for _, store := range stores {
		s := store.open(b)
		w := chattest.NewWorld(b, s)
		for n := range people {
			a := &chat.Account{
				User:   chat.User{ID: chattest.User(n), Username: fmt.Sprint("person", n), DisplayName: "Somebody", CreatedAt: w.Now},
				Folded: fmt.Sprint("person", n), Settings: []byte(`{}`),
			}
			if err := s.CreateAccount(b.Context(), a); err != nil {
				b.Fatal(err)
			}
			session := &chat.Session{
				ID: chat.SessionID(chattest.RecordID(n)), UserID: a.ID, TokenHash: [32]byte{byte(n), byte(n >> 8)},
				CreatedAt: w.Now, SeenAt: w.Now, ExpiresAt: w.Now + 1_000_000,
			}
			if err := s.CreateSession(b.Context(), session); err != nil {
				b.Fatal(err)
			}
		}
		for step := 1; step <= conversations/2; step++ {
			var cmds []chat.Command
			for n := range people {
				me, peer := chattest.User(n), chattest.User((n+step)%people)
				cmds = append(cmds, chattest.CreateDirect(me, peer), chattest.Send(chat.DirectID(me, peer), peer, "k", "hello"))
			}
			w.Do(cmds...)
		}
		for name, read := range map[string]func(n int) error{
			"session": func(n int) error {
				_, _, err := s.SessionByToken(b.Context(), [32]byte{byte(n), byte(n >> 8)})
				return err
			},
			"memberships": func(n int) error {
				list, err := s.Memberships(b.Context(), chattest.User(n))
				if err == nil && len(list) != conversations {
					err = fmt.Errorf("got %d memberships", len(list))
				}
				return err
			},
			"first page": func(n int) error {
				page, err := s.Conversations(b.Context(), chattest.User(n), "", 50)
				if err == nil && len(page.Items) != conversations {
					err = fmt.Errorf("got %d conversations", len(page.Items))
				}
				return err
			},
		} {
			b.Run(store.name+"/"+name, func(b *testing.B) {
				var next atomic.Int64
				b.SetParallelism(max(1, 16/runtime.GOMAXPROCS(0)))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := read(int(next.Add(1)) % people); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
			})
		}
	}
}
