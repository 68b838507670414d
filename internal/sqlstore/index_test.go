package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// opened is a store in a folder that outlives it.
func opened(t testing.TB, dir string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// indexing runs the index of a store until stop is called.
func indexing(t testing.TB, s *sqlstore.Store) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Index(ctx, func(err error) { t.Error(err) })
	}()
	return func() {
		cancel()
		<-done
	}
}

// wantHits waits until a word is found so many times.
func wantHits(t testing.TB, s *sqlstore.Store, word string, want int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		page, err := s.Search(t.Context(), chattest.User(0), chat.SearchQuery{Words: []string{word}, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%q: got %d messages, want %d", word, len(page.Items), want)
		}
	}
}

// What was committed while the index did not run is indexed when it does; an
// index that was lost, or belongs to another log, is made anew.
func TestIndexGoesOnWhereItWas(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	w.Say(chattest.Room(0), chattest.User(0), "indexed at once")
	stop := indexing(t, s)
	wantHits(t, s, "indexed", 1)
	stop()
	w.Say(chattest.Room(0), chattest.User(0), "not indexed yet")
	w.Do(chattest.Edit(chattest.Room(0), chattest.User(0), 2, "something else"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = opened(t, dir)
	stop = indexing(t, s)
	wantHits(t, s, "indexed", 1)
	wantHits(t, s, "something else", 1)
	stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	for _, lost := range []string{"search.db", "search.db-wal", "search.db-shm"} {
		if err := os.RemoveAll(filepath.Join(dir, lost)); err != nil {
			t.Fatal(err)
		}
	}
	s = opened(t, dir)
	stop = indexing(t, s)
	wantHits(t, s, "indexed", 1)
	stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	other := filepath.Join(t.TempDir(), "other")
	s = opened(t, other)
	w = chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(1), chattest.User(0)))
	for range 3 {
		w.Say(chattest.Room(1), chattest.User(0), "of another log")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	strange, err := os.ReadFile(filepath.Join(dir, "search.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "search.db"), strange, 0o600); err != nil {
		t.Fatal(err)
	}
	s = opened(t, other)
	stop = indexing(t, s)
	wantHits(t, s, "another log", 3)
	stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Entries that are no messages are behind the index too.
func TestIndexWithoutMessages(t *testing.T) {
	s := openSQLite(t)
	w := chattest.NewWorld(t, s)
	for i := range 3 {
		w.Do(chattest.Create(chat.Group, chattest.Room(i), chattest.User(0)))
		for {
			n, err := s.IndexSome(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
	}
	w.Say(chattest.Room(0), chattest.User(0), "the first message")
	stop := indexing(t, s)
	defer stop()
	wantHits(t, s, "first message", 1)
}

// BenchmarkIndex measures how fast messages of about 100 letters become findable.
//
//	go test ./internal/sqlstore -run - -bench Index -benchtime 20000x
func BenchmarkIndex(b *testing.B) {
	for _, store := range stores {
		b.Run(store.name, func(b *testing.B) { benchmarkIndex(b, store.open(b)) })
	}
}

func benchmarkIndex(b *testing.B, s *sqlstore.Store) {
	w := chattest.NewWorld(b, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	words := strings.Fields("the quick brown fox jumps over a lazy dog while forty two clever programmers measure what search costs and what it gives")
	n := 0
	for n < b.N {
		var cmds []chat.Command
		for range min(500, b.N-n) {
			var text []string
			for i := range 16 {
				text = append(text, words[(n*7+i*n%13+i)%len(words)])
			}
			cmds = append(cmds, chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprintf("k%09d", n), strings.Join(text, " ")+fmt.Sprint(" ", n)))
			n++
		}
		w.Do(cmds...)
	}
	b.ResetTimer()
	for {
		some, err := s.IndexSome(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if some == 0 {
			break
		}
	}
}

// BenchmarkSearch looks for words that are in many messages, in few and in none,
// among the messages of 50 conversations of which the reader is in 5.
func BenchmarkSearch(b *testing.B) {
	const conversations, messages = 50, 1_000
	s := openSQLite(b)
	w := chattest.NewWorld(b, s)
	for c := range conversations {
		owner := chattest.User(1)
		if c%10 == 0 {
			owner = chattest.User(0)
		}
		cmds := []chat.Command{chattest.Create(chat.Group, chattest.Room(c), owner)}
		for i := range messages {
			text := fmt.Sprintf("an ordinary message about project %d, with number %d and some words more", i%7, c*messages+i)
			cmds = append(cmds, chattest.Send(chattest.Room(c), owner, fmt.Sprintf("k%05d", i), text))
		}
		w.Do(cmds...)
	}
	for {
		if n, err := s.IndexSome(b.Context()); err != nil {
			b.Fatal(err)
		} else if n == 0 {
			break
		}
	}
	for name, words := range map[string][]string{
		"many": {"ordinary"}, "one": {"number 20321 "}, "none": {"unheard of"}, "two letters": {"zq"}, "several": {"project 3", "words"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Search(b.Context(), chattest.User(0), chat.SearchQuery{Words: words, Limit: 20}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
