// Package sqlstore keeps everything durable in a relational database: it
// implements chat.Journal, chat.Views, chat.Accounts, chat.Sessions and
// chat.Files. It holds no rules: what a command changes was decided by chat.Apply.
//
// The package hides the schema, the SQL, the driver and its errors. Statements
// are written so that SQLite and PostgreSQL both understand them; what differs
// is in the dialect. Ordinary queries are compiled by sqlc from queries/*.sql
// into package query; the path of a batch (Load and Commit) is written by hand
// with multi-row statements.
package sqlstore

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate
