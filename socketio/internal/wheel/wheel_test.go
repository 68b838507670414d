package wheel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

type item struct {
	node Node[item]
	due  int64
}

const tick = 10 * time.Millisecond

func TestNothingFiresEarlyAndAllFireWithinATick(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := New[item](tick, 0)
	var items []*item
	now := int64(0)
	for range 2000 {
		it := &item{due: now + rng.Int64N(int64(20*time.Second))} // up to four rounds
		w.Set(&it.node, it, it.due)
		items = append(items, it)
	}
	fired := map[*item]bool{}
	for len(fired) < len(items) {
		now += rng.Int64N(int64(3 * tick))
		for _, it := range w.Collect(nil, now) {
			if it.due > now {
				t.Fatalf("fired at %d, due at %d", now, it.due)
			}
			fired[it] = true
		}
		for _, it := range items {
			if !fired[it] && it.due+int64(tick) <= now {
				t.Fatalf("not fired at %d, due at %d", now, it.due)
			}
		}
		if now > int64(30*time.Second) {
			t.Fatalf("%d of %d fired", len(fired), len(items))
		}
	}
	if w.Len() != 0 {
		t.Errorf("%d left in the wheel", w.Len())
	}
}

func TestSetMovesAndAdvanceOnlyMovesForward(t *testing.T) {
	w := New[item](tick, 0)
	a := &item{}
	w.Set(&a.node, a, int64(time.Second))
	w.Advance(&a.node, a, int64(2*time.Second)) // later: no effect
	w.Set(&a.node, a, int64(500*time.Millisecond))
	w.Advance(&a.node, a, int64(200*time.Millisecond))
	if got := w.Collect(nil, int64(190*time.Millisecond)); len(got) != 0 {
		t.Fatalf("fired early: %v", got)
	}
	if got := w.Collect(nil, int64(200*time.Millisecond)); !slices.Equal(got, []*item{a}) {
		t.Fatalf("got %v, want the item", got)
	}
	if got := w.Collect(nil, int64(5*time.Second)); len(got) != 0 {
		t.Fatalf("fired twice: %v", got)
	}
	w.Advance(&a.node, a, int64(6*time.Second)) // not in the wheel: put in
	if w.Len() != 1 {
		t.Fatalf("wheel holds %d, want 1", w.Len())
	}
	w.Remove(&a.node)
	w.Remove(&a.node)
	if got := w.Collect(nil, int64(60*time.Second)); len(got) != 0 || w.Len() != 0 {
		t.Fatalf("a removed item fired, or is still held (%d)", w.Len())
	}
}

func TestAPastDeadlineFiresAtTheNextTick(t *testing.T) {
	w := New[item](tick, int64(time.Minute))
	a := &item{}
	w.Set(&a.node, a, int64(time.Second))
	if got := w.Collect(nil, int64(time.Minute+tick)); len(got) != 1 {
		t.Fatalf("got %d, want it at once", len(got))
	}
}

func TestALongPauseSkipsNothing(t *testing.T) {
	w := New[item](tick, 0)
	items := make([]item, 700)
	for i := range items {
		w.Set(&items[i].node, &items[i], int64(i)*int64(tick)+1)
	}
	if got := w.Collect(nil, int64(time.Hour)); len(got) != len(items) {
		t.Fatalf("got %d, want %d", len(got), len(items))
	}
}

func TestDrain(t *testing.T) {
	w := New[item](tick, 0)
	items := make([]item, 1000)
	for i := range items {
		w.Set(&items[i].node, &items[i], int64(i)*int64(time.Second))
	}
	if got := w.Drain(); len(got) != len(items) || w.Len() != 0 {
		t.Errorf("drained %d of %d, %d left", len(got), len(items), w.Len())
	}
}
