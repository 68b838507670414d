package sqlstore_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

var engines chattest.Engines

func TestMain(m *testing.M) { os.Exit(engines.Around(m)) }

// each runs a test on every database.
func each(t *testing.T, test func(t *testing.T, open func(t *testing.T) *sqlstore.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, func(t *testing.T) *sqlstore.Store { return openSQLite(t) }) })
	t.Run("postgres", func(t *testing.T) { test(t, func(t *testing.T) *sqlstore.Store { return openPostgres(t) }) })
}

// openSQLite opens an empty store on the disk, which is closed with the test.
func openSQLite(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), t.TempDir(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// openPostgres opens an empty store on the real server, which is closed with the test.
func openPostgres(t testing.TB) *sqlstore.Store {
	t.Helper()
	return openAddress(t, place(t), patient)
}

// patient waits for a server that has much else to do.
var patient = sqlstore.PostgresOptions{Patience: time.Minute}

func openAddress(t testing.TB, address string, o sqlstore.PostgresOptions) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.OpenPostgres(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// place gives the address of an empty place on the real server.
func place(t testing.TB) string {
	t.Helper()
	return sqltest.Place(t, engines.Address(t, "PARLEY_TEST_POSTGRES", "postgres"))
}

func TestJournal(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.Journal(t, func(t *testing.T) chattest.LogStore { return open(t) })
	})
}

func TestViews(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.Views(t, func(t *testing.T) chattest.Store { return open(t) })
	})
}

func TestAccounts(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.Accounts(t, func(t *testing.T) chat.Accounts { return open(t) })
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.Sessions(t, func(t *testing.T) chattest.SessionStore { return open(t) })
	})
}

func TestFiles(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.Files(t, func(t *testing.T) chattest.Store { return open(t) })
	})
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.Search(t, func(t *testing.T) chattest.SearchStore { return indexed(t, open(t)) })
	})
}

// indexed keeps the index of a store in step until the test ends.
func indexed(t testing.TB, s *sqlstore.Store) *sqlstore.Store {
	t.Helper()
	done := make(chan struct{})
	t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		s.Index(t.Context(), func(err error) { t.Error(err) })
	}()
	return s
}

func TestPeople(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.People(t, func(t *testing.T) chattest.PeopleStore { return open(t) })
	})
}

// Two changes that were made at once with one number are not found by a merge.
func TestMigrationsHaveNumbersOfTheirOwn(t *testing.T) {
	for _, dir := range []string{"migrations/sqlite", "migrations/postgres"} {
		files, err := os.ReadDir(dir)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for i, f := range files {
			if want := fmt.Sprintf("%05d_", i+1); !strings.HasPrefix(f.Name(), want) {
				t.Errorf("%s/%s: want a name that begins with %s", dir, f.Name(), want)
			}
		}
	}
}

func TestPushes(t *testing.T) {
	each(t, func(t *testing.T, open func(t *testing.T) *sqlstore.Store) {
		chattest.Pushes(t, func(t *testing.T) chattest.PushStore { return open(t) })
	})
}
