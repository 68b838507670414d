package app

import (
	"runtime"
	"testing"
)

func TestMemoryIsGivenBackAfterABurst(t *testing.T) {
	const mib = 1 << 20
	var now memory
	released := 0
	r := &reclaimer{read: func() memory { return now }, release: func() { released++ }}
	for i, step := range []struct {
		memory
		want int
		why  string
	}{
		{memory{allocated: 10 * mib, live: 8 * mib, held: 9 * mib}, 0, "the start is no quiet time"},
		{memory{allocated: 11 * mib, live: 8 * mib, held: 9 * mib}, 0, "little is held"},
		{memory{allocated: 75 * mib, live: 72 * mib, held: 90 * mib}, 0, "in the middle of a burst"},
		{memory{allocated: 76 * mib, live: 72 * mib, held: 90 * mib}, 0, "all of it is in use"},
		{memory{allocated: 77 * mib, live: 8 * mib, held: 90 * mib}, 1, "the burst is over"},
		{memory{allocated: 78 * mib, live: 8 * mib, held: 9 * mib}, 1, "nothing is left to give"},
		{memory{allocated: 90 * mib, live: 8 * mib, held: 90 * mib}, 1, "busy again"},
	} {
		now = step.memory
		if err := r.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if released != step.want {
			t.Errorf("step %d (%s): memory was given back %d times, want %d", i, step.why, released, step.want)
		}
	}
}

func TestMemoryIsRead(t *testing.T) {
	r := newReclaimer()
	before := r.read()
	burst := make([]byte, 8<<20)
	after := r.read()
	if got := after.allocated - before.allocated; got < uint64(len(burst)) {
		t.Errorf("%d bytes were allocated, the runtime's numbers say %d", len(burst), got)
	}
	if after.held < uint64(len(burst)) {
		t.Errorf("%d bytes are held, want the burst among them", after.held)
	}
	runtime.KeepAlive(burst)
}
