// Package sqlstore keeps everything durable in a relational database, SQLite or
// PostgreSQL: it implements chat.Journal, chat.Views, chat.Accounts,
// chat.Sessions and chat.Files. It holds no rules: what a command changes was
// decided by chat.Apply.
//
// The package hides the schema, the SQL, the drivers and their errors. There is
// one text of each statement, in what both databases understand; the few
// differences are in the dialect. Ordinary queries are compiled by sqlc from
// queries/*.sql into package query; the path of a batch (Load and Commit) is
// written by hand with statements over lists, and run by the database's engine.
package sqlstore

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate
