// Package service holds the verbs of Parley, one file for each use case: what a
// person can do, whichever door they come through. REST and sockets call the
// same functions; both get the same checks, limits and errors.
//
// The package hides how a request becomes a record of the log and how its
// outcome finds the way back, who may read what, how passwords and sessions are
// kept, and what happens to an uploaded file. It starts no goroutine and reads
// no clock of its own. Every error that a caller may see is a *chat.Error.
package service
