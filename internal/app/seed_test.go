package app

import (
	"path/filepath"
	"testing"

	"github.com/parley-chat/parley/bench"
	"github.com/parley-chat/parley/internal/config"
)

func TestSeededPeopleKnowTheirCircle(t *testing.T) {
	ctx := t.Context()
	flags := []string{"--data-dir", filepath.Join(t.TempDir(), "data")}
	sessions, err := seed(ctx, flags, bench.Population{People: 7, Circle: 3})
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(config.Source{Args: flags})
	if err != nil {
		t.Fatal(err)
	}
	op, err := openSeeder(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := op.close(); err != nil {
			t.Error(err)
		}
	}()
	for i, want := range []int{3, 3, 3, 3, 3, 3, 1} { // 3 + 3 + 1 people
		p, err := op.service.Authenticate(ctx, sessions[i].Token)
		if err != nil || p.UserID.String() != sessions[i].UserID {
			t.Fatalf("person %d: got %v, %v; want them logged in", i, p.UserID, err)
		}
		rooms, err := op.store.Memberships(ctx, p.UserID)
		if err != nil || len(rooms) != want {
			t.Errorf("person %d: got %d conversations, %v; want %d", i, len(rooms), err, want)
		}
		for _, r := range rooms {
			if r.Head != 1 || r.Members != want {
				t.Errorf("person %d: got a conversation of %d members at %d, want %d at 1", i, r.Members, r.Head, want)
			}
		}
	}
}
