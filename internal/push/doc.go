// Package push brings notifications to browsers that are not looking: it decides
// which of the queued ones are still wanted, encrypts them for the one browser that
// can read them (RFC 8291), proves who sends them (RFC 8292) and hands them to the
// browser's push service (RFC 8030).
//
// It hides the protocols, what is tried again and when, and keeps requests away
// from addresses that are not of the public Internet.
package push
