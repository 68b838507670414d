package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

// Store is an open store, whichever database it is in. It implements
// chat.Journal, chat.Views, chat.Accounts, chat.Sessions and chat.Files, and is
// safe for concurrent use.
type Store struct {
	d      *dialect
	engine engine
	write  *pool
	read   *pool
	side   *pool         // one connection, for Maintain; nil where there is nothing to do
	index  fullText      // nil where there is none
	wake   chan struct{} // for Index: something was committed
	berth  *berth        // of a node on PostgreSQL; belongs to Maintain once that runs
	pools  []*pgxpool.Pool

	closers []func() error
}

var (
	_ chat.Journal   = (*Store)(nil)
	_ chat.Views     = (*Store)(nil)
	_ chat.Accounts  = (*Store)(nil)
	_ chat.Sessions  = (*Store)(nil)
	_ chat.Files     = (*Store)(nil)
	_ chat.Searcher  = (*Store)(nil)
	_ chat.Contents  = (*Store)(nil)
	_ chat.BlockList = (*Store)(nil)
	_ chat.Invites   = (*Store)(nil)

	_ chat.Pushes          = (*Store)(nil)
	_ chat.PreferenceStore = (*Store)(nil)
)

// atClose has Close call f, before what was given earlier.
func (s *Store) atClose(f func() error) { s.closers = append(s.closers, f) }

// Close waits for running calls and closes the store.
func (s *Store) Close() error {
	var errs []error
	for _, f := range slices.Backward(s.closers) {
		errs = append(errs, f())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func provider(d *dialect, db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	schema, err := d.schema()
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(d.goose, db, schema, append(options, goose.WithVerbose(false))...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, d *dialect, db *sql.DB, options ...goose.ProviderOption) error {
	p, err := provider(d, db, options...)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", d.classify(err))
	}
	return nil
}

// pending reports whether the schema lacks what this program needs.
func pending(ctx context.Context, d *dialect, db *sql.DB) (bool, error) {
	p, err := provider(d, db)
	if err != nil {
		return false, err
	}
	lacks, err := p.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("check schema: %w", d.classify(err))
	}
	return lacks, nil
}

// Ping reports whether the store can be read.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.db.PingContext(ctx); err != nil {
		return fmt.Errorf("ping: %w", s.d.classify(err))
	}
	return nil
}

// reads gives the compiled queries on a reading connection.
func (s *Store) reads() *query.Queries { return query.New(s.read) }

// snapshot runs reading queries that have to agree with one another: all of
// them see the same commit.
func (s *Store) snapshot(ctx context.Context, f func(db database) error) error {
	return s.read.transact(ctx, s.d.snapshot, func(t *tx) error { return f(t) })
}

// update runs f in one transaction of a writing connection. It returns when
// the transaction is durable; after any error nothing was written, except that
// an error of the commit itself leaves the outcome unknown. f is called again
// when the transaction had to give way to another.
func (s *Store) update(ctx context.Context, verb string, f func(*tx) error) error {
	const tries = 3
	for try := 1; ; try++ {
		err := s.write.transact(ctx, nil, f)
		if err == nil {
			return nil
		}
		if try == tries || !s.d.gaveWay(err) {
			return fmt.Errorf("%s: %w", verb, s.d.classify(err))
		}
	}
}

// fail wraps a reading error; no row means chat.ErrNotFound.
func (s *Store) fail(verb string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", verb, chat.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", verb, s.d.classify(err))
}
