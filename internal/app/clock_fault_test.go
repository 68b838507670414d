//go:build faultclock

package app

import (
	"testing"
	"time"
)

func TestAClockThatIsSetPassesTheSameTime(t *testing.T) {
	began := time.Now()
	for _, by := range []int64{3600, -90, 1, -1, 0} {
		got := setClock(began, by)
		if want := began.Unix() + by; got.Unix() != want {
			t.Errorf("by %d s: got %d, want %d", by, got.Unix(), want)
		}
		if passed := got.Sub(began); passed != 0 {
			t.Errorf("by %d s: %s passed, want none", by, passed)
		}
		if got.Nanosecond() != began.Nanosecond() {
			t.Errorf("by %d s: got %d ns, want %d", by, got.Nanosecond(), began.Nanosecond())
		}
	}
}
