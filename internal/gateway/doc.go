// Package gateway is the node's side of every socket: who is connected, what
// each person may see, and how an event of the bus reaches their sockets.
//
// Its heart is a registry of two nouns. A user is one connected person with all
// their sockets; a room is one conversation as this node needs it: which
// connected people are in it and the seq that was delivered last. An entry is
// encoded once and the same bytes are written to every socket of its room. What
// one socket costs does not depend on the size of its conversations.
//
// The package hides how rooms are kept right while people come, go, join and are
// removed at the same moment, how a lost bus message is noticed and repaired, and
// what happens to sockets that are slow, hostile, revoked or told to move.
//
// Locks, in this order: user.mu, then a shard's mu. None is held while the
// store, the bus or a socket is used. A room is worked on by one goroutine at a
// time, its runner (see room.go).
package gateway
