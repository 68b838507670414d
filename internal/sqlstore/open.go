package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

const (
	databaseFile = "parley.db"
	lockName     = "parley.lock"
	// writerCheckpointPages is how many pages of 4 KiB the write-ahead log
	// holds before a commit moves them into the database.
	writerCheckpointPages = 16384
	readers               = 4
)

// ErrInUse is returned by Open when another process has the data folder open.
var ErrInUse = errors.New("another parley process uses this data folder")

// Options say how to open a store.
type Options struct {
	// Shared opens next to a process that has the store open already, for the
	// operator's commands (parley user …). A shared store must not run a
	// sequencer, and does not migrate a schema that is in use.
	Shared bool
}

// Store is an open store. It implements chat.Journal, chat.Views, chat.Accounts,
// chat.Sessions and chat.Files, and is safe for concurrent use.
type Store struct {
	d      *dialect
	write  *pool // one connection
	read   *pool
	side   *pool    // one connection, for Maintain
	lock   *os.File // nil if shared next to another process
	commit commitSQL
}

var (
	_ chat.Journal  = (*Store)(nil)
	_ chat.Views    = (*Store)(nil)
	_ chat.Accounts = (*Store)(nil)
	_ chat.Sessions = (*Store)(nil)
	_ chat.Files    = (*Store)(nil)
)

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
	s.lock = lock
	if !alone && !o.Shared {
		return nil, fmt.Errorf("open %s: %w", dir, ErrInUse)
	}
	if err := ownFile(filepath.Join(dir, databaseFile)); err != nil {
		return nil, fmt.Errorf("make database: %w", err)
	}
	for _, p := range []struct {
		pool   **pool
		access access
		conns  int
	}{{&s.write, accessWrite, 1}, {&s.read, accessRead, readers}, {&s.side, accessMaintain, 1}} {
		if *p.pool, err = openPool(s.d, sqliteDSN(dir, p.access), p.conns); err != nil {
			return nil, err
		}
	}
	if err := s.migrate(ctx, alone); err != nil {
		return nil, err
	}
	s.commit = newCommitSQL(s.d)
	return s, nil
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

// migrate brings the schema up to date, or, next to another process, checks that it is.
func (s *Store) migrate(ctx context.Context, alone bool) error {
	schema, err := s.d.schema()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(s.d.goose, s.write.db, schema, goose.WithVerbose(false))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if alone {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate: %w", s.d.classify(err))
		}
		return nil
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("check schema: %w", s.d.classify(err))
	}
	if pending {
		return fmt.Errorf("the schema is older than this program: %w", ErrInUse)
	}
	return nil
}

// Ping reports whether the store can be read.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.db.PingContext(ctx); err != nil {
		return fmt.Errorf("ping: %w", s.d.classify(err))
	}
	return nil
}

// Close waits for running calls and closes the store.
func (s *Store) Close() error {
	var errs []error
	// The writer goes last: the last connection to close tidies the log up.
	for _, p := range []*pool{s.read, s.side, s.write} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// reads gives the compiled queries on a reading connection.
func (s *Store) reads() *query.Queries { return query.New(s.read) }

// snapshot runs reading queries that have to agree with one another: all of
// them see the same commit.
func (s *Store) snapshot(ctx context.Context, f func(db query.DBTX) error) error {
	return s.read.transact(ctx, func(t *tx) error { return f(t) })
}

// update runs f in one transaction of the writing connection. It returns when
// the transaction is durable; after any error nothing was written, except that
// an error of the commit itself leaves the outcome unknown.
func (s *Store) update(ctx context.Context, verb string, f func(*tx) error) error {
	if err := s.write.transact(ctx, f); err != nil {
		return fmt.Errorf("%s: %w", verb, s.d.classify(err))
	}
	return nil
}

// fail wraps a reading error; no row means chat.ErrNotFound.
func (s *Store) fail(verb string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", verb, chat.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", verb, s.d.classify(err))
}
