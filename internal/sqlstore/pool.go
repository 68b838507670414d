package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/parley-chat/parley/internal/sqlstore/query"
)

// statement is a prepared statement that the pool keeps and closes.
type statement interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, args ...any) *sql.Row
}

// database is a pool or a transaction.
type database interface {
	query.DBTX
	dialect() *dialect
}

var (
	_ database = (*pool)(nil)
	_ database = (*tx)(nil)
)

// pool is a set of connections that prepares each statement once, where the
// driver does not. The texts of statements are few: lists of parameters come in
// fixed sizes, or as arrays (see multi).
type pool struct {
	db *sql.DB
	d  *dialect

	mu    sync.Mutex // guards stmts
	stmts map[string]*sql.Stmt
	texts sync.Map // statements as the database wants them, by their text here
}

func newPool(db *sql.DB, d *dialect) *pool {
	return &pool{db: db, d: d, stmts: make(map[string]*sql.Stmt)}
}

func (p *pool) dialect() *dialect { return p.d }

// text gives a statement as the database wants it.
func (p *pool) text(query string) string {
	if text, ok := p.texts.Load(query); ok {
		return text.(string) //nolint:errcheck,forcetypeassert // only strings are stored below
	}
	text := p.d.rewrite(query)
	p.texts.Store(query, text)
	return text
}

// direct is a statement that the driver prepares and keeps.
type direct struct {
	db   query.DBTX // of database/sql
	text string
}

func (d direct) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return d.db.ExecContext(ctx, d.text, args...) //nolint:wrapcheck // the caller names the verb
}

func (d direct) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return d.db.QueryContext(ctx, d.text, args...) //nolint:wrapcheck // the caller names the verb
}

func (d direct) QueryRowContext(ctx context.Context, args ...any) *sql.Row {
	return d.db.QueryRowContext(ctx, d.text, args...)
}

func (p *pool) close() error {
	if err := p.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// stmt gives the prepared form of a query.
func (p *pool) stmt(ctx context.Context, text string) (statement, error) {
	if !p.d.prepares {
		return direct{p.db, p.text(text)}, nil
	}
	return p.prepared(ctx, text)
}

func (p *pool) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := p.kept(text); st != nil {
		return st, nil
	}
	st, err := p.db.PrepareContext(ctx, p.text(text))
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	other := p.keep(text, st)
	if other == st {
		return st, nil
	}
	if err := st.Close(); err != nil {
		return nil, fmt.Errorf("close statement: %w", err)
	}
	return other, nil
}

func (p *pool) kept(text string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stmts[text]
}

// keep gives the statement that is kept for the text: the first one that was.
func (p *pool) keep(text string, st *sql.Stmt) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.stmts[text]; other != nil {
		return other
	}
	p.stmts[text] = st
	return st
}

// ExecContext implements query.DBTX.
func (p *pool) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	st, err := p.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...) //nolint:wrapcheck // the caller names the verb
}

// PrepareContext implements query.DBTX. The caller must not close the statement.
func (p *pool) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	return p.prepared(ctx, text)
}

// QueryContext implements query.DBTX.
func (p *pool) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	st, err := p.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...) //nolint:wrapcheck // the caller names the verb
}

// QueryRowContext implements query.DBTX.
func (p *pool) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	st, err := p.stmt(ctx, text)
	if err != nil {
		return p.db.QueryRowContext(ctx, p.text(text), args...) // fails alike, in the row
	}
	return st.QueryRowContext(ctx, args...)
}

// tx is a transaction that uses the prepared statements of its pool.
type tx struct {
	tx *sql.Tx
	p  *pool
	// missed are statements that the pool had not prepared: the transaction
	// holds the connection that preparing needs, so that is done afterwards.
	missed []string
}

func (t *tx) dialect() *dialect { return t.p.d }

// stmt gives the prepared form of a query within the transaction.
func (t *tx) stmt(ctx context.Context, text string) (statement, error) {
	if !t.p.d.prepares {
		return direct{t.tx, t.p.text(text)}, nil
	}
	return t.prepared(ctx, text)
}

func (t *tx) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := t.p.kept(text); st != nil {
		return t.tx.StmtContext(ctx, st), nil
	}
	t.missed = append(t.missed, text)
	st, err := t.tx.PrepareContext(ctx, t.p.text(text))
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	return st, nil
}

// ExecContext implements query.DBTX.
func (t *tx) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	st, err := t.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...) //nolint:wrapcheck // the caller names the verb
}

// PrepareContext implements query.DBTX. The caller must not close the statement.
func (t *tx) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	return t.prepared(ctx, text)
}

// QueryContext implements query.DBTX.
func (t *tx) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	st, err := t.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...) //nolint:wrapcheck // the caller names the verb
}

// QueryRowContext implements query.DBTX.
func (t *tx) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	st, err := t.stmt(ctx, text)
	if err != nil {
		return t.tx.QueryRowContext(ctx, t.p.text(text), args...) // fails alike, in the row
	}
	return st.QueryRowContext(ctx, args...)
}

// transact runs f in one transaction; nil options mean an ordinary one.
func (p *pool) transact(ctx context.Context, o *sql.TxOptions, f func(*tx) error) error {
	t := &tx{p: p}
	var err error
	if t.tx, err = p.db.BeginTx(ctx, o); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(t); err != nil {
		// A statement that failed may have ended the transaction already.
		if rerr := t.tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) && !p.d.noTransaction(rerr) {
			err = errors.Join(err, rerr)
		}
		return err
	}
	if err := t.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	p.warm(ctx, t.missed)
	return nil
}

// warm prepares what the next transaction will want. What cannot be prepared
// now is tried again, and told of, when it is used.
func (p *pool) warm(ctx context.Context, texts []string) {
	for _, text := range texts {
		if _, err := p.stmt(ctx, text); err != nil {
			return
		}
	}
}
