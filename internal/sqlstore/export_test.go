package sqlstore

import "database/sql"

// OpenRaw opens a database file without anything of ours in between.
func OpenRaw(path string) (*sql.DB, error) { return sql.Open("sqlite", path) }
