package app

import "testing"

func TestMemoryIsGivenBackAfterABurst(t *testing.T) {
	released, allocated := 0, uint64(0)
	r := newReclaimer()
	if r.allocated() == 0 {
		t.Error("got nothing allocated by this process")
	}
	r.allocated = func() uint64 { return allocated }
	r.release = func() { released++ }
	for _, step := range []struct {
		name string
		more uint64
		want int
	}{
		{"at the start", 0, 0},
		{"in a burst", burstBytes + 1, 0},
		{"still in it", quietBytes, 0},
		{"after it", quietBytes - 1, 1},
		{"in silence", 0, 1},
		{"in small talk", quietBytes - 1, 1},
		{"in a short burst", burstBytes / 2, 1},
		{"after that", 0, 1},
		{"in another", burstBytes, 1},
		{"after both", 0, 2},
	} {
		allocated += step.more
		if err := r.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if released != step.want {
			t.Errorf("%s: memory was given back %d times, want %d", step.name, released, step.want)
		}
	}
}
