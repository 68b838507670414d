//go:build unix

package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// openAt opens a store in a folder; the test closes it.
func openAt(t *testing.T, dir string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := openAt(t, dir)
	defer closeStore(t, s)
	chattest.NewWorld(t, s).Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	for name, want := range map[string]os.FileMode{
		".": 0o700, "parley.db": 0o600, "parley.db-wal": 0o600, "parley.db-shm": 0o600, "parley.lock": 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", name, got, want)
		}
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)), chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	closeStore(t, s)
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a closed store answers")
	}
	s = openAt(t, dir)
	defer closeStore(t, s)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	chattest.WantLog(t, s, chattest.Room(0), 2)
	w.Journal = s
	if r := w.Try(chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))[0]; !r.Repeated || r.Entry.Seq != 2 {
		t.Errorf("sent again: got %+v, want the first entry", r)
	}
}

// A second process is told, in one sentence, that the folder is in use.
func TestOneProcess(t *testing.T) {
	if dir := os.Getenv("PARLEY_TEST_DATA_DIR"); dir != "" {
		s, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{})
		fmt.Printf("second process: %v %v\n", s != nil, err)
		return
	}
	dir := t.TempDir()
	s := openAt(t, dir)
	if _, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{}); !errors.Is(err, sqlstore.ErrInUse) {
		t.Errorf("in the same process: got %v, want ErrInUse", err)
	}
	second := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOneProcess$", "-test.v")
	second.Env = append(os.Environ(), "PARLEY_TEST_DATA_DIR="+dir)
	out, err := second.CombinedOutput()
	want := fmt.Sprintf("second process: false open %s: another parley process uses this data folder\n", dir)
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("got %s, %v, want %s", out, err, want)
	}
	chattest.NewWorld(t, s).Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	closeStore(t, s)
	closeStore(t, openAt(t, dir))
}

// The operator's commands work beside a server.
func TestShared(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	beside, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := beside.CreateAccount(t.Context(), chattest.NewAccount(0)); err != nil {
		t.Error(err)
	}
	if _, err := s.Account(t.Context(), chattest.User(0)); err != nil {
		t.Errorf("the server does not see the new account: %v", err)
	}
	if err := s.CreateAccount(t.Context(), chattest.NewAccount(1)); err != nil {
		t.Error(err)
	}
	closeStore(t, beside)
	closeStore(t, s)
	// Alone it makes the folder ready, as the first to come.
	alone, err := sqlstore.Open(t.Context(), t.TempDir(), sqlstore.Options{Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, alone)
}

func TestSharedDoesNotMigrateUnderAServer(t *testing.T) {
	dir := t.TempDir()
	lock, err := os.Create(filepath.Join(dir, "parley.lock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{Shared: true}); !errors.Is(err, sqlstore.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}

func TestNotADatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "parley.db"), []byte(strings.Repeat("this is not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{}); err == nil {
		t.Error("got nil, want an error")
	}
	if _, err := sqlstore.Open(t.Context(), filepath.Join(dir, "parley.db"), sqlstore.Options{}); err == nil {
		t.Error("a file for a folder: got nil, want an error")
	}
}

func TestCommitWhoseContextHasEnded(t *testing.T) {
	s := openSQLite(t)
	w := chattest.NewWorld(t, s)
	batch, _, err := w.Decide(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ended, batch); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	chattest.WantLog(t, s, chattest.Room(0), 0)
	if err := s.Commit(t.Context(), batch); err != nil {
		t.Error(err)
	}
}

// copyDir copies the files of a store that is open: what is on the disk if the
// process were killed now.
func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"parley.db", "parley.db-wal"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// Killed at any byte of a write: the store opens, has whole batches only, from
// the first on, and goes on from there.
func TestTornWrites(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	defer closeStore(t, s)
	w := chattest.NewWorld(t, s)
	wal := filepath.Join(dir, "parley.db-wal")
	size := func() int64 {
		info, err := os.Stat(wal)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	ends := []int64{size()} // of the log after each batch
	const batches, each = 6, 5
	for n := range batches {
		var cmds []chat.Command
		for i := range each {
			cmds = append(cmds, chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprintf("k%d.%d", n, i), strings.Repeat("x", 500)))
		}
		w.Do(cmds...)
		ends = append(ends, size())
	}
	cuts := map[int64]int{} // where the log is cut, and how many batches are whole then
	for n := 1; n < len(ends); n++ {
		part := (ends[n] - ends[n-1]) / 5
		for i := range int64(5) {
			cuts[ends[n-1]+i*part] = n - 1
		}
		cuts[ends[n]-1] = n - 1
		cuts[ends[n]] = n
	}
	for cut, whole := range cuts {
		for name, tear := range map[string]func(data []byte) []byte{
			"cut":     func(data []byte) []byte { return data[:cut] },
			"zeros":   func(data []byte) []byte { return append(data[:cut:cut], make([]byte, 9000)...) },
			"garbage": func(data []byte) []byte { return append(data[:cut:cut], strings.Repeat("\xa5\x5a\x00", 3000)...) },
		} {
			crashed := copyDir(t, dir)
			path := filepath.Join(crashed, "parley.db-wal")
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, tear(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			wantWhole(t, fmt.Sprintf("%s at %d", name, cut), crashed, whole, each)
		}
	}
}

// wantWhole opens a store that crashed, and wants so many whole batches of so many messages.
func wantWhole(t *testing.T, name, dir string, whole, each int) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), dir, sqlstore.Options{})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer closeStore(t, s)
	w := chattest.NewWorld(t, s)
	if w.Next, _, err = s.Position(t.Context(), w.Partition); err != nil || w.Next != int64(1+whole*each) {
		t.Errorf("%s: got position %d, %v, want %d", name, w.Next, err, 1+whole*each)
	}
	chattest.WantLog(t, s, chattest.Room(0), 1+whole*each)
	w.Do(chattest.Send(chattest.Room(0), chattest.User(0), "after", "goes on"))
	chattest.WantLog(t, s, chattest.Room(0), 2+whole*each)
}

// Maintain moves the log into the database while commits go on, so that it does not grow for ever.
func TestMaintain(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	defer closeStore(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Maintain(ctx, func(err error) { t.Error(err) })
	}()
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	size := func(name string) int64 {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	n, until := 0, time.Now().Add(2*time.Minute)
	say := func() {
		var cmds []chat.Command
		for range 100 {
			n++
			cmds = append(cmds, chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprint("k", n), strings.Repeat("x", 2000)))
		}
		w.Do(cmds...)
	}
	// The log began anew when the database has more pages than the log ever had.
	for size("parley.db") < 2*size("parley.db-wal") || size("parley.db") < 8<<20 {
		if time.Now().After(until) {
			t.Fatalf("the database has %d bytes, its log %d", size("parley.db"), size("parley.db-wal"))
		}
		say()
	}
	cancel()
	<-done
	chattest.WantLog(t, s, chattest.Room(0), n+1)
	wantSound(t, dir)
}

// A database that cannot be written is reported, and tried again.
func TestMaintainReports(t *testing.T) {
	s := openAt(t, t.TempDir())
	closeStore(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports := 0
	s.Maintain(ctx, func(err error) {
		if reports++; reports == 2 {
			cancel()
		}
	})
	if reports != 2 {
		t.Errorf("got %d reports, want 2", reports)
	}
}

// wantSound has SQLite check every page of a copy of the database.
func wantSound(t *testing.T, dir string) {
	t.Helper()
	db, err := sqlstore.OpenRaw(filepath.Join(copyDir(t, dir), "parley.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var verdict string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: got %s, %v, want ok", verdict, err)
	}
}
