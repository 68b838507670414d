// Package redis is what ties the nodes of a cluster together: chat.Bus on sharded
// pub/sub, chat.Presence by leases and chat.Limiter by token buckets, on one Redis
// (7 or later) or on a Redis Cluster.
//
// Redis carries nothing that cannot be had again. While it cannot be reached the
// bus delivers what happens on its own node, limits are enforced by each node for
// itself, and when it is back the sinks are told to resync.
//
// The package hides the client library, the names of keys and channels, the
// encoding of messages, the slots of a cluster, and how lost subscriptions are
// found and made whole.
package redis
