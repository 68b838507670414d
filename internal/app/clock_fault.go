//go:build faultclock

package app

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// The clock of a program that is built to be tested (`make fault CLOCK=yes`): its time of
// day is wrong by as many seconds as the file says that FAULT_CLOCK names. The
// time that passes is not, as when somebody sets the clock of a machine.

const clockEvery = 10 * time.Millisecond

var (
	clockFile = os.Getenv("FAULT_CLOCK")
	clockBy   atomic.Int64 // seconds
	clockRead atomic.Int64 // when the file was looked at, in nanoseconds since clockBegan
	// clockBegan has a reading of the monotonic clock.
	clockBegan = time.Now()
)

// wallClock is the time of day, given to whatever needs it.
func wallClock() time.Time {
	now := time.Now()
	since := int64(now.Sub(clockBegan))
	if last := clockRead.Load(); clockFile != "" && since-last > int64(clockEvery) && clockRead.CompareAndSwap(last, since) {
		if text, err := os.ReadFile(clockFile); err == nil {
			if by, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
				clockBy.Store(by)
			}
		}
	}
	return setClock(now, clockBy.Load())
}

// setClock changes the time of day in t by seconds, and leaves its reading of the
// monotonic clock as it is; Time.Add would change both. It knows how Time is laid out: a
// bit that says that there is such a reading, 33 bits of seconds, 30 of nanoseconds.
func setClock(t time.Time, by int64) time.Time {
	const hasMonotonic, secondsAt = 1 << 63, 30
	wall := (*uint64)(unsafe.Pointer(&t))
	if *wall&hasMonotonic == 0 {
		return t.Add(time.Duration(by) * time.Second)
	}
	*wall += uint64(by) << secondsAt
	return t
}
