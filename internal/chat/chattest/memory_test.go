package chattest_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat/chattest"
)

func TestMemoryJournal(t *testing.T) {
	chattest.Journal(t, func(*testing.T) chattest.LogStore { return chattest.NewMemory() })
}
