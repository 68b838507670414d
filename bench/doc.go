// Package bench is the load generator: it starts a server on an empty data directory,
// drives it over the public protocol with many real sockets, and measures what people
// wait for and what the server's process costs. `parley bench` runs it.
//
// It hides how load is made and how it is counted. README.md beside it says what each
// scenario means, and which figures were measured where.
package bench
