package sqlstore

import (
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// dialect is what differs between databases. Everything else in this package is
// the same for all of them, but for the ways to open one (sqlite.go, postgres.go)
// and to run a batch (engine).
type dialect struct {
	goose goose.Dialect
	// migrations is the folder of the schema.
	migrations string
	// arrays: a list of items is passed as an array for each column; see multi.
	arrays bool
	// prepares: statements are prepared here, and not by the driver.
	prepares bool
	// snapshot makes all queries of a transaction see the same commit.
	snapshot *sql.TxOptions
	// lockAccount makes others who want to change an account wait for this
	// transaction; empty where transactions that write wait for one another anyway.
	lockAccount string
	// beginPushes makes what is committed from now on be gone through for pushes,
	// where rows of messages have the order of their commits; empty where a batch
	// notes them (putUnpushed).
	beginPushes string
	// rewrite turns a statement as it stands in this package into the database's own.
	rewrite func(query string) string
	// classify wraps a driver's error so that callers can tell what it means:
	// chat.ErrConflict for a violated unique constraint, chat.ErrUnavailable
	// when the database cannot be reached or cannot write.
	classify func(err error) error
	// gaveWay reports whether a transaction was ended in favour of another, so that
	// it may do better when tried again.
	gaveWay func(err error) bool
	// noTransaction reports whether a rollback failed because the statement
	// that failed before had ended the transaction.
	noTransaction func(err error) bool
}

func (d *dialect) schema() (fs.FS, error) {
	sub, err := fs.Sub(migrations, d.migrations)
	if err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	return sub, nil
}
