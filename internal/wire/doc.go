// Package wire holds every realtime event of Parley's public contract and the
// JSON shapes that REST and realtime share, with their limits. From these Go
// types it generates the TypeScript types of the web client and the AsyncAPI 3
// document, so that code, client and documentation cannot drift apart.
//
// The package hides how things look on the wire: nothing else in the server
// writes event names or JSON field names of answers by hand. Entries are the
// exception that proves it: their bytes are made once, by package chat, and are
// passed on as they are.
package wire

//go:generate go run ./gen -root ../..
