package sqlstore

import (
	"context"
	"database/sql"
)

// OpenRaw opens a database file without anything of ours in between.
func OpenRaw(path string) (*sql.DB, error) { return sql.Open("sqlite", path) }

// IndexSome indexes a part of what is new.
func (s *Store) IndexSome(ctx context.Context) (int, error) { return s.index.some(ctx) }

// Setting gives a setting of the server as the connections of requests have it.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT current_setting(?)", name).Scan(&value)
	return value, err
}
