package chattest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// NewFile makes the nth file, of a person; it is Attachment(n).
func NewFile(n int, owner chat.UserID) *chat.File {
	return &chat.File{
		Attachment: Attachment(n), OwnerID: owner, CreatedAt: Epoch + chat.Time(n), SHA256: sha256.Sum256([]byte(fmt.Sprint("file ", n))),
	}
}

// Files is the conformance suite of chat.Files. Open gives an empty store,
// which ends with the test.
func Files(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s Store){
		"a file comes back as it was":         filesRoundTrip,
		"quotas":                              filesUsed,
		"only an own file becomes an avatar":  filesAvatar,
		"what nothing names is found":         filesOrphans,
		"a file's name is not part of its id": filesDelete,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// files makes so many files, of User(0) where n is even and User(1) where odd.
func files(t *testing.T, s chat.Files, n int) []*chat.File {
	t.Helper()
	var out []*chat.File
	for i := range n {
		f := NewFile(i, User(i%2))
		if err := s.CreateFile(t.Context(), f); err != nil {
			t.Fatalf("create file: %v", err)
		}
		out = append(out, f)
	}
	return out
}

func filesRoundTrip(t *testing.T, s Store) {
	list := files(t, s, 2)
	odd := NewFile(2, User(0))
	odd.Name, odd.MIME, odd.Width, odd.Height, odd.Thumb, odd.Avatar = "../'\"\r\n žluť.exe", "application/octet-stream", 0, 0, false, true
	if err := s.CreateFile(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	for _, want := range append(list, odd) {
		if got, err := s.File(t.Context(), want.ID); err != nil || *got != *want {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
	if _, err := s.File(t.Context(), FileID(9)); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := s.CreateFile(t.Context(), odd); !errors.Is(err, chat.ErrConflict) {
		t.Errorf("again: got %v, want ErrConflict", err)
	}
}

func filesUsed(t *testing.T, s Store) {
	list := files(t, s, 3)
	for user, want := range map[chat.UserID]int64{User(0): list[0].Size + list[2].Size, User(1): list[1].Size, User(2): 0} {
		if got, err := s.UsedBytes(t.Context(), user); err != nil || got != want {
			t.Errorf("got %d, %v, want %d", got, err, want)
		}
	}
}

func filesAvatar(t *testing.T, s Store) {
	files(t, s, 2)
	if err := s.MarkAvatar(t.Context(), User(0), FileID(1)); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("another's file: got %v, want ErrNotFound", err)
	}
	for range 2 {
		if err := s.MarkAvatar(t.Context(), User(0), FileID(0)); err != nil {
			t.Errorf("got %v", err)
		}
	}
	for n, want := range []bool{true, false} {
		if f, err := s.File(t.Context(), FileID(n)); err != nil || f.Avatar != want {
			t.Errorf("file %d: got %+v, %v, want avatar %v", n, f, err, want)
		}
	}
}

func filesOrphans(t *testing.T, s Store) {
	files(t, s, 8)
	check := func(before chat.Time, limit int, want ...int) {
		t.Helper()
		got, err := s.Orphans(t.Context(), before, limit)
		if err != nil {
			t.Fatal(err)
		}
		var ids []chat.FileID
		for _, n := range want {
			ids = append(ids, FileID(n))
		}
		slices.SortFunc(got, func(a, b chat.FileID) int { return slices.Compare(a[:], b[:]) })
		if !slices.Equal(got, ids) {
			t.Errorf("got %v, want %v", got, ids)
		}
	}
	check(Epoch+3, 10, 0, 1, 2)
	// Named by a message, a profile, a conversation; an avatar that is none any more.
	w := NewWorld(t, s)
	cmd := Send(Room(0), User(0), "k", "")
	cmd.Attachments = []chat.Attachment{Attachment(0), Attachment(1)}
	create := Create(chat.Group, Room(0), User(0))
	picture := FileID(3)
	create.AvatarID = &picture
	w.Do(create, cmd)
	for _, n := range []int{2, 3, 4} {
		if err := s.MarkAvatar(t.Context(), User(n%2), FileID(n)); err != nil {
			t.Fatal(err)
		}
	}
	a := NewAccount(0)
	a.AvatarID = FileID(2)
	if err := s.CreateAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	check(Epoch+6, 10, 4, 5)
	check(Epoch+100, 2, 4, 5)
	w.Do(Delete(Room(0), User(0), 2))
	check(Epoch+6, 10, 0, 1, 4, 5)
}

func filesDelete(t *testing.T, s Store) {
	files(t, s, 2)
	if err := s.DeleteFile(t.Context(), FileID(0)); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteFile(t.Context(), FileID(0)); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("again: got %v, want ErrNotFound", err)
	}
	if f, err := s.File(t.Context(), FileID(1)); err != nil || f.ID != FileID(1) {
		t.Errorf("the other file: got %+v, %v", f, err)
	}
}
