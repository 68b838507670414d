package inproc_test

import (
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
)

func TestLog(t *testing.T) {
	for _, bound := range []int{12, 4096} {
		chattest.Log(t, func(*testing.T) chat.Log { return inproc.NewLog("test", bound) })
	}
}

func TestBus(t *testing.T) {
	for _, lanes := range []int{1, 3} {
		chattest.Bus(t, func(t *testing.T) chat.Bus { return openBus(t, lanes, 1<<20) })
	}
}

func openBus(t *testing.T, lanes, bound int) *inproc.Bus {
	t.Helper()
	b := inproc.NewBus(lanes, bound)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestPresence(t *testing.T) {
	chattest.Presence(t, func(*testing.T) chat.Presence { return inproc.NewPresence() })
}

func TestLimiter(t *testing.T) {
	chattest.Limiter(t, func(*testing.T) chat.Limiter { return inproc.NewLimiter(time.Now, 100) })
}
