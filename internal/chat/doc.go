// Package chat is the domain of Parley: its nouns (conversation, member, entry,
// command), its rules (Apply and the permission functions), its error codes and
// limits, and the ports that the rest of the system implements.
//
// A conversation is an append-only log of entries numbered 1, 2, 3 … without a
// gap. Apply turns a command into the next entry, or refuses it, and is a pure
// function of the state it is given: no clock, no randomness, no I/O. Whoever
// applies the same commands in the same order computes the same numbers.
//
// The package hides how a decision is made; it imports the standard library
// only, starts no goroutine and performs no I/O.
package chat
