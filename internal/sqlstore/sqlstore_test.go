package sqlstore_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
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
	return openAddress(t, newSchema(t), sqlstore.PostgresOptions{})
}

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

// newSchema gives the address of a place of the test's own on the real server,
// which goes with the test.
func newSchema(t testing.TB) string {
	t.Helper()
	base := engines.Address(t, "PARLEY_TEST_POSTGRES", "postgres")
	name := "test_" + strings.ToLower(rand.Text())
	conn := dial(t, base)
	t.Cleanup(func() { execute(t, dial(t, base), "DROP SCHEMA IF EXISTS "+name+" CASCADE") })
	execute(t, conn, "CREATE SCHEMA "+name)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name+",public")
	u.RawQuery = q.Encode()
	return u.String()
}

// dial connects to the server without anything of ours in between.
func dial(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // the end of the test is tidied up too
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	return conn
}

func execute(t testing.TB, conn *pgx.Conn, text string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(context.WithoutCancel(t.Context()), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
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
	chattest.Search(t, func(t *testing.T) chattest.SearchStore { return indexed(t) })
}

// indexed opens an empty store and keeps its index in step.
func indexed(t testing.TB) *sqlstore.Store {
	t.Helper()
	s := openSQLite(t)
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
