//go:build !faultclock

package app

import "time"

// wallClock is the time of day, given to whatever needs it.
func wallClock() time.Time { return time.Now() }
