package app

import (
	"runtime"
	"testing"
)

func TestMemoryIsGivenBackAfterABurst(t *testing.T) {
	r := newReclaimer()
	released := 0
	release := r.release
	r.release = func() {
		released++
		release()
	}
	look := func() {
		t.Helper()
		if err := r.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	look() // what came before is no burst
	look()
	released = 0
	burst := make([][]byte, 64)
	for i := range burst {
		burst[i] = make([]byte, 1<<20)
	}
	look()
	if released != 0 {
		t.Error("memory was given back in the middle of a burst")
	}
	runtime.KeepAlive(burst)
	burst = nil
	look()
	if released != 1 {
		t.Errorf("memory was given back %d times after the burst, want once", released)
	}
	look()
	look()
	if released != 1 {
		t.Errorf("memory was given back %d times, want it left alone afterwards", released)
	}
	runtime.KeepAlive(burst)
}
