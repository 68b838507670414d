package sqlstore

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/parley-chat/parley/internal/chat"
)

//go:embed migrations
var migrations embed.FS

// dialect is what differs between databases. Everything else in this package is
// the same for all of them.
type dialect struct {
	driver string
	goose  goose.Dialect
	// migrations is the folder of the schema.
	migrations string
	// insertStrict begins an INSERT of which any violated constraint ends the
	// whole transaction. SQLite need not keep a journal of the statement then.
	insertStrict string
	// rewrite turns the placeholders ? and ?1 into the database's own.
	rewrite func(query string) string
	// classify wraps a driver's error so that callers can tell what it means:
	// chat.ErrConflict for a violated unique constraint, chat.ErrUnavailable
	// when the database cannot be reached or cannot write.
	classify func(err error) error
	// noTransaction reports whether a rollback failed because the statement
	// that failed before had ended the transaction.
	noTransaction func(err error) bool
}

func sqliteDialect() *dialect {
	return &dialect{
		driver:       "sqlite",
		goose:        goose.DialectSQLite3,
		migrations:   "migrations/sqlite",
		insertStrict: "INSERT OR ROLLBACK INTO ",
		rewrite:      func(query string) string { return query },
		classify:     classifySQLite,
		noTransaction: func(err error) bool {
			return strings.Contains(err.Error(), "no transaction is active")
		},
	}
}

func (d *dialect) schema() (fs.FS, error) {
	sub, err := fs.Sub(migrations, d.migrations)
	if err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	return sub, nil
}

// access is what a connection to the SQLite file is for.
type access int

const (
	accessWrite access = iota
	accessRead
	accessMaintain
)

// sqliteDSN names the database file. Readers see the last commit and never wait
// for the writer (https://www.sqlite.org/wal.html); with synchronous=FULL a
// commit is on the disk when it returns.
func sqliteDSN(dir string, a access) string {
	q := url.Values{}
	pragmas := []string{"busy_timeout(10000)", "foreign_keys(1)", "temp_store(MEMORY)", "synchronous(FULL)"}
	switch a {
	case accessWrite:
		// Maintain moves the log into the database, not the commit; the writer
		// does so itself only when nobody else has done it for long.
		pragmas = append(pragmas, "journal_mode(WAL)", "cache_size(-65536)",
			fmt.Sprintf("wal_autocheckpoint(%d)", writerCheckpointPages), "journal_size_limit(67108864)")
		q.Set("_txlock", "immediate")
	case accessRead:
		pragmas = append(pragmas, "query_only(1)", "cache_size(-8192)")
	case accessMaintain:
		pragmas = append(pragmas, "cache_size(-1024)", "wal_autocheckpoint(0)")
	}
	q["_pragma"] = pragmas
	path := (&url.URL{Path: filepath.ToSlash(filepath.Join(dir, databaseFile))}).EscapedPath()
	return "file:" + path + "?" + q.Encode()
}

func classifySQLite(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", chat.ErrConflict, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%w: %w", chat.ErrUnavailable, err)
	}
	return err
}

// escapeLike makes text match itself in a LIKE pattern with ESCAPE '\'.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}
