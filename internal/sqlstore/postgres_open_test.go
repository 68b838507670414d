package sqlstore_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

// refused wants OpenPostgres to give an error that says something.
func refused(t *testing.T, address string, o sqlstore.PostgresOptions, want error, says string) {
	t.Helper()
	s, err := sqlstore.OpenPostgres(t.Context(), address, o)
	if err == nil {
		t.Fatalf("got a store, want an error with %q", says)
	}
	if s != nil {
		t.Error("got a store and an error")
	}
	if want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), says) || strings.ContainsAny(err.Error(), "\n\t") {
		t.Errorf("got %q, want one line with %q", err, says)
	}
}

func TestPostgresNodesStartAtOnce(t *testing.T) {
	address := place(t)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			s, err := sqlstore.OpenPostgres(t.Context(), address, patient)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.CreateAccount(t.Context(), chattest.NewAccount(i)); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := openAddress(t, address, sqlstore.PostgresOptions{Shared: true, Patience: time.Minute})
	if page, err := s.ListAccounts(t.Context(), "", 10); err != nil || len(page.Items) != 6 {
		t.Errorf("got %d accounts, %v, want 6", len(page.Items), err)
	}
}

func TestPostgresSharedDoesNotMigrate(t *testing.T) {
	address := place(t)
	refused(t, address, sqlstore.PostgresOptions{Shared: true, Patience: time.Minute}, sqlstore.ErrServer, "parley migrate")
	var n int
	err := sqltest.Dial(t, address).QueryRow(t.Context(), "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()").Scan(&n)
	if err != nil || n != 0 {
		t.Errorf("got %d tables, %v, want none", n, err)
	}
}

// A node needs no right to change the schema once that is up to date.
func TestPostgresRights(t *testing.T) {
	address := place(t)
	var schema string
	if err := sqltest.Dial(t, address).QueryRow(t.Context(), "SELECT current_schema()").Scan(&schema); err != nil {
		t.Fatal(err)
	}
	role := "role_" + schema
	sqltest.Execute(t, address, "CREATE ROLE "+role+" LOGIN PASSWORD 'node'")
	t.Cleanup(func() { sqltest.Execute(t, address, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	sqltest.Execute(t, address, "GRANT USAGE ON SCHEMA "+schema+" TO "+role)
	node := with(t, address, func(u *url.URL, _ url.Values) { u.User = url.UserPassword(role, "node") })
	refused(t, node, patient, sqlstore.ErrServer, "may not do this")
	openAddress(t, address, patient)
	sqltest.Execute(t, address, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "+schema+" TO "+role)
	s := openAddress(t, node, patient)
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)), chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	chattest.WantLog(t, s, chattest.Room(0), 2)
}

// Whatever the address or the role ask for, a commit waits for the disk.
func TestPostgresCommitsAreDurable(t *testing.T) {
	address := place(t)
	s := openAddress(t, with(t, address, func(_ *url.URL, q url.Values) { q.Set("synchronous_commit", "off") }), patient)
	for name, want := range map[string]string{
		"synchronous_commit": "on", "default_transaction_isolation": "read committed", "jit": "off", "statement_timeout": "1min",
	} {
		got, err := s.Setting(t.Context(), name)
		if err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestPostgresEncoding(t *testing.T) {
	address := place(t)
	name := "encoding_" + address[strings.Index(address, "test_"):][:20]
	sqltest.Execute(t, address, "CREATE DATABASE "+name+" ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() { sqltest.Execute(t, address, "DROP DATABASE "+name+" WITH (FORCE)") })
	other := with(t, address, func(u *url.URL, q url.Values) { u.Path = "/" + name; q.Del("search_path") })
	refused(t, other, patient, sqlstore.ErrServer, "not UTF8")
}

// No address that is wrong, and no server that is out of reach, tells the password; each
// is told once, and only a server that is out of reach is worth waiting for.
func TestPostgresSecrets(t *testing.T) {
	t.Setenv("PGPASSFILE", t.TempDir()+"/none")
	address := engines.Address(t, "PARLEY_TEST_POSTGRES", "postgres")
	for name, wrong := range map[string]string{
		"port":     "postgres://parley:s3cret@127.0.0.1:nonsense/parley",
		"escape":   "postgres://parley:s3cret%zz@127.0.0.1/parley",
		"setting":  "postgres://parley:s3cret@127.0.0.1/parley?sslmode=nonsense",
		"list":     "host=127.0.0.1 password=s3cret port=nonsense",
		"quote":    "host=127.0.0.1 password='s3cret",
		"closed":   "postgres://parley:s3cret@127.0.0.1:1/parley", // with TLS and without
		"nobody":   with(t, address, func(u *url.URL, _ url.Values) { u.User = url.UserPassword("nobody", "s3cret") }),
		"database": with(t, address, func(u *url.URL, _ url.Values) { u.User, u.Path = url.UserPassword("parley", "s3cret"), "/nowhere" }),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sqlstore.OpenPostgres(t.Context(), wrong, patient)
			if err == nil || s != nil {
				t.Fatal("got a store, want an error")
			}
			if strings.Contains(err.Error(), "s3cret") || strings.ContainsAny(err.Error(), "\n\t") {
				t.Errorf("got %q, want one line without the password", err)
			}
			if strings.Count(err.Error(), "refused") > 1 {
				t.Errorf("got %q, want the cause once", err)
			}
			if got, want := errors.Is(err, chat.ErrUnavailable), name == "closed"; got != want {
				t.Errorf("got %q, worth waiting for: %t, want %t", err, got, want)
			}
		})
	}
}

// The caller's patience ends while a server does not answer.
func TestPostgresOpenIsInterrupted(t *testing.T) {
	address := place(t)
	p := newProxy(t, address)
	p.stall(true, true)
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan error, 1)
	go func() {
		_, err := sqlstore.OpenPostgres(ctx, p.address(t, address), patient)
		opened <- err
	}()
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the caller's own error", err)
	}
}
