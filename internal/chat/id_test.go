package chat_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// Another implementation reads the ids as version 7 with their time.
func TestIDsAreUUIDv7(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)
	for _, random := range [][10]byte{{}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}} {
		id := chat.NewID[struct{}](at, random)
		u, err := uuid.Parse(id.String())
		if err != nil || u.Version() != 7 || u.Variant() != uuid.RFC4122 || [16]byte(u) != [16]byte(id) {
			t.Errorf("%s: got version %d, variant %s, %v", id, u.Version(), u.Variant(), err)
		}
		sec, nsec := u.Time().UnixTime()
		if got := time.Unix(sec, nsec); !got.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("%s: got time %s, want %s", id, got.UTC(), at)
		}
	}
	d, err := uuid.Parse(chat.DirectID(ann, bob).String())
	if err != nil || d.Version() != 7 || d.Variant() != uuid.RFC4122 {
		t.Errorf("a direct conversation's id: got version %d, %v", d.Version(), err)
	}
}

func TestParseID(t *testing.T) {
	const text = "019b7a3c-0d4f-7a1b-8c2d-3e4f5a6b7c8d"
	id, err := chat.ParseID[struct{}](text)
	if err != nil || id.String() != text || id.IsZero() {
		t.Errorf("got %s, %v", id, err)
	}
	if big, err := chat.ParseID[struct{}](strings.ToUpper(text)); err != nil || big != id {
		t.Errorf("in capitals: got %s, %v", big, err)
	}
	for _, bad := range []string{
		"", text[:35], text + "0", " " + text[1:], strings.ReplaceAll(text, "-", ""), "{" + text[1:35] + "}", "urn:uuid:" + text[9:],
		text[:8] + "0" + text[9:], "g" + text[1:], text[:35] + "\x00", "019b7a3c-0d4f-7a1b-8c2d-3e4f5a6b7c8é",
	} {
		if id, err := chat.ParseID[struct{}](bad); !errors.Is(err, chat.ErrBadID) {
			t.Errorf("%q: got %s, %v, want ErrBadID", bad, id, err)
		}
	}
}

func TestIDsInJSON(t *testing.T) {
	type row struct {
		ID   chat.UserID         `json:"id"`
		File chat.FileID         `json:"file,omitzero"`
		Seen map[chat.UserID]int `json:"seen"`
	}
	want := row{ID: ann, Seen: map[chat.UserID]int{bob: 1}}
	b, err := json.Marshal(want)
	if err != nil || string(b) != `{"id":"`+ann.String()+`","seen":{"`+bob.String()+`":1}}` {
		t.Fatalf("got %s, %v", b, err)
	}
	var got row
	if err := json.Unmarshal(b, &got); err != nil || got.ID != ann || got.Seen[bob] != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"id":"x"}`), &got); !errors.Is(err, chat.ErrBadID) {
		t.Errorf("got %v, want ErrBadID", err)
	}
}

func TestDirectID(t *testing.T) {
	if chat.DirectID(ann, bob) != chat.DirectID(bob, ann) {
		t.Error("the id depends on who writes first")
	}
	seen := make(map[chat.ConversationID]bool)
	users := chattest.Users(20)
	for i, a := range users {
		for _, b := range users[i:] {
			id := chat.DirectID(a, b)
			if seen[id] || id.IsZero() {
				t.Errorf("%s and %s share the id %s", a, b, id)
			}
			seen[id] = true
		}
	}
	// Derived for ever: another result would split conversations that exist.
	if got, want := chat.DirectID(ann, bob).String(), "019b76da-a801-7f15-87a9-dfc3552603cb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTime(t *testing.T) {
	at := chat.TimeOf(time.Date(2026, 1, 2, 3, 4, 5, 678_999_999, time.FixedZone("", 3600)))
	if got := at.String(); got != "2026-01-02T02:04:05.678Z" {
		t.Errorf("got %s", got)
	}
	b, err := json.Marshal(map[string]chat.Time{"a": at, "b": 0})
	if err != nil || string(b) != `{"a":"2026-01-02T02:04:05.678Z","b":"1970-01-01T00:00:00.000Z"}` {
		t.Errorf("got %s, %v", b, err)
	}
	for text, want := range map[string]chat.Time{
		"2026-01-02T02:04:05.678Z": at, "2026-01-02T03:04:05.6789+01:00": at, "2026-01-02T02:04:05Z": at - 678,
	} {
		var got chat.Time
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "1767319445", "2026-01-02", "2026-13-02T02:04:05Z", "2026-01-02 02:04:05Z", "0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01"} {
		var got chat.Time
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q: got %s, want an error", bad, got)
		}
	}
}
