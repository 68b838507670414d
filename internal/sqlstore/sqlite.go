package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/parley-chat/parley/internal/chat"
)

// File is the name of the SQLite database in its folder.
const File = "parley.db"

const (
	lockName = "parley.lock"
	// writerCheckpointPages is how many pages of 4 KiB the write-ahead log
	// holds before a commit moves them into the database.
	writerCheckpointPages = 16384
	readers               = 4
)

// ErrInUse is returned by Open when another process has the data folder open.
var ErrInUse = errors.New("another parley process uses this data folder")

// Options say how to open a store in a folder.
type Options struct {
	// Shared opens next to a process that has the store open already, for the
	// operator's commands (parley user …). A shared store must not run a
	// sequencer, and does not migrate a schema that is in use.
	Shared bool
}

func sqliteDialect() *dialect {
	return &dialect{
		goose:      goose.DialectSQLite3,
		migrations: "migrations/sqlite",
		prepares:   true,
		beginPushes: `INSERT INTO positions (log, part, next_offset, prev_offset)
			SELECT ?, 0, COALESCE(MAX(rowid), 0), 0 FROM message_entries WHERE TRUE
			ON CONFLICT (log, part) DO UPDATE SET next_offset = excluded.next_offset`,
		rewrite:  func(query string) string { return query },
		classify: classifySQLite,
		gaveWay:  func(error) bool { return false }, // one writes at a time
		noTransaction: func(err error) bool {
			return strings.Contains(err.Error(), "no transaction is active")
		},
	}
}

// Open opens the SQLite store in dir, makes dir (mode 0700) and the database
// (mode 0600) if they do not exist, and brings the schema up to date. A folder
// that another process has open gives ErrInUse, unless o.Shared. The caller
// must Close the store.
func Open(ctx context.Context, dir string, o Options) (_ *Store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	s := &Store{d: sqliteDialect()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	lock, alone, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	if lock != nil {
		s.atClose(lock.Close)
	}
	if !alone && !o.Shared {
		return nil, fmt.Errorf("open %s: %w", dir, ErrInUse)
	}
	if err := ownFile(filepath.Join(dir, File)); err != nil {
		return nil, fmt.Errorf("make database: %w", err)
	}
	for _, p := range []struct {
		pool   **pool
		access access
		conns  int
	}{{&s.write, accessWrite, 1}, {&s.side, accessMaintain, 1}, {&s.read, accessRead, readers}} {
		if *p.pool, err = openPool(s.d, sqliteDSN(dir, p.access), p.conns); err != nil {
			return nil, err
		}
		// The writer goes last: the last connection to close tidies the log up.
		s.atClose((*p.pool).close)
	}
	s.engine = &sqliteEngine{reader: s.read, writer: s.write}
	if err := sqliteSchema(ctx, s, alone); err != nil {
		return nil, err
	}
	if alone {
		x, err := openIndex(ctx, s, dir)
		if err != nil {
			return nil, err
		}
		s.index, s.wake = x, make(chan struct{}, 1)
		s.atClose(x.close)
	}
	return s, nil
}

// sqliteSchema brings the schema up to date, or, next to another process, checks that it is.
func sqliteSchema(ctx context.Context, s *Store, alone bool) error {
	if alone {
		return migrate(ctx, s.d, s.write.db)
	}
	lacks, err := pending(ctx, s.d, s.write.db)
	if err == nil && lacks {
		err = fmt.Errorf("the schema is older than this program: %w", ErrInUse)
	}
	return err
}

// ownFile makes an empty file that only its owner can read: SQLite gives its
// log the mode of the database.
func ownFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

func openPool(d *dialect, dsn string, conns int) (*pool, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return newPool(db, d), nil
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
	path := (&url.URL{Path: filepath.ToSlash(filepath.Join(dir, File))}).EscapedPath()
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

// sqliteEngine runs the statements of a batch one after the other: the database
// is in the process, a round trip costs nothing.
type sqliteEngine struct{ reader, writer *pool }

func (e *sqliteEngine) ask(ctx context.Context, lookups []lookup) error {
	for _, l := range lookups {
		if err := l.sql.each(ctx, e.reader, nil, l.args, l.scan); err != nil {
			return err
		}
	}
	return nil
}

func (e *sqliteEngine) write(ctx context.Context, b *chat.Batch, changes []change) error {
	return e.writer.transact(ctx, nil, func(t *tx) error {
		if err := moveTo(ctx, t, b); err != nil {
			return err
		}
		for _, c := range changes {
			if c.lock {
				continue // this transaction is the only one
			}
			n, err := c.sql.exec(ctx, t, c.args)
			if err != nil {
				return fmt.Errorf("%s: %w", c.verb, err)
			}
			if want := int64(len(c.args) / c.sql.cols()); c.all && n != want {
				return fmt.Errorf("%s: %d of %d: %w", c.verb, n, want, errHeadMoved)
			}
		}
		return nil
	})
}

const (
	movePosition = `UPDATE positions SET next_offset = ?, prev_offset = ? WHERE log = ? AND part = ? AND next_offset = ?`
	makePosition = `INSERT INTO positions (log, part, next_offset, prev_offset) VALUES (?, ?, ?, ?) ON CONFLICT (log, part) DO NOTHING`
)

func moveTo(ctx context.Context, t *tx, b *chat.Batch) error {
	p := b.Partition
	n, err := execute(ctx, t, movePosition, []any{b.Next, b.From, p.Log, p.Partition, b.From})
	if err == nil && n == 0 && b.From == 0 {
		n, err = execute(ctx, t, makePosition, []any{p.Log, p.Partition, b.Next, b.From})
	}
	if err != nil {
		return fmt.Errorf("move position: %w", err)
	}
	if n == 0 {
		return chat.ErrFenced
	}
	return nil
}
