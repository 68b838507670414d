package inproc_test

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
)

func TestCallBoard(t *testing.T) {
	chattest.CallBoard(t, func(*testing.T) chat.CallBoard { return inproc.NewCallBoard(time.Now, 1_000) })
}

func TestCallBoardIsBounded(t *testing.T) {
	now := chattest.Epoch.Std()
	b := inproc.NewCallBoard(func() time.Time { return now }, 2)
	put := func(room int, version uint64, want error) uint64 {
		t.Helper()
		v, err := b.Put(t.Context(), chattest.Room(room), chat.CallNote{Doc: []byte("{}"), Version: version, People: []chat.UserID{chattest.User(room)}, TTL: time.Minute})
		if !errors.Is(err, want) {
			t.Fatalf("room %d: got %v, want %v", room, err, want)
		}
		return v
	}
	first := put(1, 0, nil)
	put(2, 0, nil)
	put(3, 0, chat.ErrOverloaded)
	now = now.Add(30 * time.Second)
	put(1, first, nil)              // one that is there may change
	now = now.Add(30 * time.Second) // the other is over
	put(3, 0, nil)
	put(4, 0, chat.ErrOverloaded)
	for room, want := range map[int]int{1: 1, 2: 0, 3: 1, 4: 0} {
		if ids, err := b.Of(t.Context(), chattest.User(room)); err != nil || len(ids) != want {
			t.Errorf("calls of user %d: got %v, %v, want %d", room, ids, err, want)
		}
	}
}
