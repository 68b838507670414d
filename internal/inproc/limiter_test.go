package inproc_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
)

func TestBucketRefillsWithTheClock(t *testing.T) {
	now := chattest.Epoch.Std()
	l := inproc.NewLimiter(func() time.Time { return now }, 10)
	take := func(n float64, want chat.Time) {
		t.Helper()
		if wait, err := l.Take(t.Context(), "key", n, 2, 4); err != nil || wait != want {
			t.Errorf("take %v: got %d ms, %v, want %d", n, wait, err, want)
		}
	}
	take(4, 0)
	take(1, 500)
	now = now.Add(499 * time.Millisecond)
	take(1, 1)
	now = now.Add(time.Millisecond)
	take(1, 0)
	take(3, 1500)
	now = now.Add(time.Hour) // no more than the burst gathers
	take(4, 0)
	take(1, 500)
	now = now.Add(-time.Hour) // a clock that jumps back gives nothing and takes nothing
	take(1, 500)
	take(5, 3_600_000)
}

func TestLimiterForgetsTheLeastRecentlyUsed(t *testing.T) {
	now := chattest.Epoch.Std()
	l := inproc.NewLimiter(func() time.Time { return now }, 3)
	take := func(key string, refused bool) {
		t.Helper()
		if wait, err := l.Take(t.Context(), key, 1, 0.001, 1); err != nil || (wait > 0) != refused {
			t.Errorf("%s: got %d ms, %v, want refused %v", key, wait, err, refused)
		}
	}
	for i := range 3 {
		take(fmt.Sprint(i), false)
	}
	take("0", true) // used again, so 1 is the oldest now
	take("3", false)
	take("0", true)
	take("2", true)
	take("1", false) // was forgotten
}
