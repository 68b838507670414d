package sqlstore

import (
	"context"
	"database/sql"
)

// OpenRaw opens a database file without anything of ours in between.
func OpenRaw(path string) (*sql.DB, error) { return sql.Open("sqlite", path) }

// IndexSome indexes a part of what is new.
func (s *Store) IndexSome(ctx context.Context) (int, error) { return s.indexSome(ctx) }
