// Package sqltest gives each test a place of its own on a real PostgreSQL
// server. It hides how places are kept apart: by schemas.
package sqltest

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Place gives the address of an empty place on the server at address, which goes
// with the test. It is for sqlstore.OpenPostgres; stores that are open on it must
// be closed before the test ends.
func Place(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the address of the test server is not a URL")
	}
	name := "test_" + strings.ToLower(rand.Text())
	Execute(t, address, "CREATE SCHEMA "+name)
	t.Cleanup(func() { Execute(t, address, "DROP SCHEMA IF EXISTS "+name+" CASCADE") })
	q := u.Query()
	q.Set("search_path", name+",public")
	u.RawQuery = q.Encode()
	return u.String()
}

// Dial connects to the server without anything of ours in between, until the test ends.
func Dial(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // what is dropped at the end is dropped through it
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	return conn
}

// Execute runs one statement on a connection of its own.
func Execute(t testing.TB, address, statement string) {
	t.Helper()
	if _, err := Dial(t, address).Exec(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
