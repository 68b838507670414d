package inproc

import (
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// What nobody asks for any more is forgotten long before the board is full.
func TestCallBoardForgetsWhatIsOver(t *testing.T) {
	now := chattest.Epoch.Std()
	b := NewCallBoard(func() time.Time { return now }, 100_000)
	for i := range 10_000 {
		if _, err := b.Put(t.Context(), chattest.Room(i), chat.CallNote{Doc: []byte("{}"), People: chattest.Users(2), TTL: time.Minute}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second) // 60 are under way at a time
	}
	if len(b.notes) > sweepFirst {
		t.Errorf("%d documents are kept, want at most %d", len(b.notes), sweepFirst)
	}
	for u, rooms := range b.people {
		if len(rooms) > sweepFirst {
			t.Errorf("%d conversations are kept of %v", len(rooms), u)
		}
	}
}
