// Package chattest holds what every implementation of the ports of package chat
// is tested with: one conformance suite for each port, a plain function that
// takes a way to open the implementation; the memory twin of the journal; a
// plain fold of a log to compare with; wrappers that make writes fail; and
// fixtures.
//
// A suite never knows what it runs against. It is run on the real engine.
package chattest
