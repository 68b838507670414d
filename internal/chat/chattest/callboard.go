package chattest

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// CallBoard is the conformance suite of chat.CallBoard. Open gives an empty one,
// which ends with the test; its clock runs.
func CallBoard(t *testing.T, open func(t *testing.T) chat.CallBoard) {
	t.Helper()
	t.Run("a document changes by its version", func(t *testing.T) { boardVersions(t, open(t)) })
	t.Run("a document is forgotten", func(t *testing.T) { boardForgets(t, open(t)) })
	t.Run("people find their conversations", func(t *testing.T) { boardPeople(t, open(t)) })
	t.Run("several documents are read at once", func(t *testing.T) { boardAll(t, open(t)) })
	t.Run("one of many at once wins", func(t *testing.T) { boardRace(t, open(t)) })
	t.Run("large documents", func(t *testing.T) { boardSize(t, open(t)) })
}

const boardTTL = time.Hour

func boardVersions(t *testing.T, b chat.CallBoard) {
	t.Helper()
	get := func(room int, want string, version uint64) {
		t.Helper()
		doc, v, err := b.Get(t.Context(), Room(room))
		if err != nil || string(doc) != want || v != version {
			t.Errorf("got %q at %d, %v, want %q at %d", doc, v, err, want, version)
		}
	}
	put := func(room int, doc string, version uint64, want error) uint64 {
		t.Helper()
		v, err := b.Put(t.Context(), Room(room), chat.CallNote{Doc: []byte(doc), Version: version, TTL: boardTTL})
		if !errors.Is(err, want) || (err == nil) != (v != 0) {
			t.Fatalf("put %q over %d: got %d, %v, want %v", doc, version, v, err, want)
		}
		return v
	}
	get(1, "", 0)
	put(1, "x", 7, chat.ErrConflict) // there is none
	first := put(1, "one", 0, nil)
	get(1, "one", first)
	put(1, "two", 0, chat.ErrConflict)
	put(1, "two", first+1, chat.ErrConflict)
	get(1, "one", first)
	second := put(1, "two\x00\"\xff", first, nil)
	get(1, "two\x00\"\xff", second)
	put(1, "three", first, chat.ErrConflict)
	if second == first {
		t.Errorf("got version %d twice", first)
	}
	other := put(2, "other", 0, nil)
	get(2, "other", other)
	get(1, "two\x00\"\xff", second)
}

func boardForgets(t *testing.T, b chat.CallBoard) {
	t.Helper()
	first, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: []byte("short"), People: Users(2), TTL: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := b.Put(t.Context(), Room(2), chat.CallNote{Doc: []byte("long"), TTL: boardTTL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), Room(2), chat.CallNote{Doc: []byte("longer"), Version: kept, TTL: boardTTL}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		doc, v, err := b.Get(t.Context(), Room(1))
		if err != nil {
			t.Fatal(err)
		}
		if doc == nil && v == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the document is still there after a minute")
		}
	}
	if _, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: []byte("late"), Version: first, TTL: boardTTL}); !errors.Is(err, chat.ErrConflict) {
		t.Errorf("over what was forgotten: got %v, want a conflict", err)
	}
	if again, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: []byte("new"), TTL: boardTTL}); err != nil || again == first {
		t.Errorf("got version %d again, %v", again, err)
	}
	if doc, _, err := b.Get(t.Context(), Room(2)); err != nil || string(doc) != "longer" {
		t.Errorf("what was put again: got %q, %v", doc, err)
	}
}

func boardPeople(t *testing.T, b chat.CallBoard) {
	t.Helper()
	of := func(user int, want ...int) {
		t.Helper()
		got, err := b.Of(t.Context(), User(user))
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range want {
			if !slices.Contains(got, Room(room)) {
				t.Errorf("user %d: got %v, want room %d among them", user, got, room)
			}
		}
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("user %d: got %v, want none", user, got)
		}
	}
	of(0)
	v, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: []byte("a"), People: Users(2), TTL: boardTTL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), Room(2), chat.CallNote{Doc: []byte("b"), People: []chat.UserID{User(1)}, TTL: boardTTL}); err != nil {
		t.Fatal(err)
	}
	of(0, 1)
	of(1, 1, 2)
	of(2)
	if v, err = b.Put(t.Context(), Room(1), chat.CallNote{Doc: []byte("c"), Version: v, TTL: boardTTL}); err != nil { // says nothing of people
		t.Fatal(err)
	}
	of(0, 1)
	if _, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: []byte("d"), Version: v, People: []chat.UserID{User(2)}, TTL: boardTTL}); err != nil {
		t.Fatal(err)
	}
	of(2, 1)
}

func boardAll(t *testing.T, b chat.CallBoard) {
	t.Helper()
	const most = 150 // of many slots of a cluster
	all := func(rooms ...int) []chat.CallDoc {
		t.Helper()
		ids := make([]chat.ConversationID, len(rooms))
		for i, room := range rooms {
			ids[i] = Room(room)
		}
		docs, err := b.GetAll(t.Context(), ids)
		if err != nil || len(docs) != len(rooms) {
			t.Fatalf("got %d documents of %d, %v", len(docs), len(rooms), err)
		}
		return docs
	}
	all()
	versions := make(map[int]uint64)
	for room := 0; room < most; room += 2 {
		v, err := b.Put(t.Context(), Room(room), chat.CallNote{Doc: []byte(strconv.Itoa(room)), TTL: boardTTL})
		if err != nil {
			t.Fatal(err)
		}
		versions[room] = v
	}
	rooms := make([]int, most)
	for i := range rooms {
		rooms[i] = most - 1 - i
	}
	for i, d := range all(rooms...) {
		want := ""
		if rooms[i]%2 == 0 {
			want = strconv.Itoa(rooms[i])
		}
		if string(d.Doc) != want || d.Version != versions[rooms[i]] || want == "" && d.Doc != nil {
			t.Errorf("room %d: got %q at %d, want %q at %d", rooms[i], d.Doc, d.Version, want, versions[rooms[i]])
		}
	}
	twice := all(2, 2, 1)
	if twice[0].Version != versions[2] || !bytes.Equal(twice[0].Doc, twice[1].Doc) || twice[2].Doc != nil {
		t.Errorf("the same twice: got %+v", twice)
	}
	twice[0].Doc[0] = 'x' // it is the caller's
	if again := all(2); string(again[0].Doc) != "2" || string(twice[1].Doc) != "2" {
		t.Errorf("the board shares its memory: got %q and %q", again[0].Doc, twice[1].Doc)
	}
}

func boardRace(t *testing.T, b chat.CallBoard) {
	t.Helper()
	const writers, rounds = 8, 5
	version := uint64(0)
	for round := range rounds {
		var won atomic.Int64
		var next atomic.Uint64
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				v, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: []byte(strconv.Itoa(w)), Version: version, People: Users(3), TTL: boardTTL})
				switch {
				case err == nil:
					won.Add(1)
					next.Store(v)
				case !errors.Is(err, chat.ErrConflict):
					t.Errorf("writer %d: %v", w, err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d writers won, want one", round, won.Load())
		}
		version = next.Load()
		if _, v, err := b.Get(t.Context(), Room(1)); err != nil || v != version {
			t.Fatalf("round %d: got version %d, %v, want %d", round, v, err, version)
		}
	}
}

func boardSize(t *testing.T, b chat.CallBoard) {
	t.Helper()
	large := bytes.Repeat([]byte("x"), chat.MaxCallDoc)
	v, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: large, TTL: boardTTL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), Room(1), chat.CallNote{Doc: append(large, 'x'), Version: v, TTL: boardTTL}); !errors.Is(err, chat.ErrTooLarge) {
		t.Errorf("got %v, want it too large", err)
	}
	got, _, err := b.Get(t.Context(), Room(1))
	if err != nil || !bytes.Equal(got, large) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	got[0] = 'y' // it is the caller's
	if again, _, err := b.Get(t.Context(), Room(1)); err != nil || again[0] != 'x' {
		t.Errorf("the board shares its memory: got %q, %v", again[0], err)
	}
}
