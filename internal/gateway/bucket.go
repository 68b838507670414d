package gateway

import "time"

// bucket is a token bucket in 16 bytes. The zero value is full. It belongs to
// whoever guards it.
type bucket struct {
	used float32 // tokens taken and not yet refilled
	at   int64   // unix nanoseconds of used
}

// take takes one token, or gives how long to wait for it.
func (b *bucket) take(now time.Time, perSecond, burst float64) (wait time.Duration) {
	if wait = b.peek(now, perSecond, burst); wait <= 0 {
		b.used++
	}
	return wait
}

// peek gives how long to wait for a token.
func (b *bucket) peek(now time.Time, perSecond, burst float64) (wait time.Duration) {
	ns := now.UnixNano()
	if ns > b.at {
		b.used = float32(max(0, float64(b.used)-float64(ns-b.at)*perSecond/1e9))
		b.at = ns
	}
	if missing := float64(b.used) + 1 - burst; missing > 0 {
		return time.Duration(missing / perSecond * 1e9)
	}
	return 0
}

// refund gives a token back.
func (b *bucket) refund() { b.used = max(0, b.used-1) }
