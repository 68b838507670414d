package storm

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/test/fault/stage"
)

func plan(seed uint64, only ...string) *Plan {
	return NewPlan(&stage.Stage{}, Options{Seed: seed, Gap: time.Second, Lowest: time.Second, Most: 2 * time.Second, Only: only})
}

func TestASeedGivesThePlan(t *testing.T) {
	a, b, other := plan(1), plan(1), plan(2)
	same := 0
	for range 100 {
		x, y, z := a.Next(), b.Next(), other.Next()
		if x.Name() != y.Name() || x.Hold != y.Hold || x.Gap != y.Gap || x.Seed != y.Seed {
			t.Fatalf("got %+v and %+v of one seed", x, y)
		}
		if x.Name() == z.Name() {
			same++
		}
	}
	if same > 50 {
		t.Errorf("two seeds agree in %d of 100 windows", same)
	}
}

func TestEveryFaultComesAndSomeComeTogether(t *testing.T) {
	p := plan(3)
	counts, pairs := map[string]int{}, 0
	n := 2 * len(p.Names())
	for range n {
		w := p.Next()
		if w.Hold < time.Second || w.Hold > 2*time.Second {
			t.Errorf("got a window of %s", w.Hold)
		}
		if len(w.Faults) == 2 {
			pairs++
			if w.Faults[0].Part == w.Faults[1].Part {
				t.Errorf("%s: both break the same", w.Name())
			}
		}
		for _, f := range w.Faults {
			counts[f.Name]++
		}
	}
	for _, name := range p.Names() {
		if counts[name] < 2 {
			t.Errorf("%s came %d times in %d windows, want 2 at least", name, counts[name], n)
		}
	}
	if pairs != n/4 {
		t.Errorf("got %d pairs in %d windows, want %d", pairs, n, n/4)
	}
}

func TestOneFaultAloneIsAPlan(t *testing.T) {
	p := plan(4, "kill")
	for range 10 {
		if w := p.Next(); w.Name() != "kill" {
			t.Errorf("got %q", w.Name())
		}
	}
	names := plan(4, "kill", "pause").Names()
	if !slices.Equal(names, []string{"kill", "pause"}) {
		t.Errorf("got %q", names)
	}
}

func TestFaultsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Table() {
		if seen[f.Name] || f.Part == "" || f.On == nil || f.Do == nil {
			t.Errorf("the fault %q is there twice, or lacks something", f.Name)
		}
		seen[f.Name] = true
	}
}
