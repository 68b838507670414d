package storm

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/parley-chat/parley/test/fault/stage"
)

// Window is one part of a plan: faults that begin together, and how long they hold.
type Window struct {
	Gap    time.Duration // of peace before it
	Hold   time.Duration
	Faults []Fault
	Seed   uint64 // of what is chosen inside
}

// Name is the names of the window's faults.
func (w Window) Name() string {
	names := make([]string, len(w.Faults))
	for i, f := range w.Faults {
		names[i] = f.Name
	}
	return strings.Join(names, " + ")
}

// Plan makes windows without an end: every fault of the table comes once before one
// comes again, in an order of its own each time, and every fourth window is two at
// once. It is not safe for concurrent use.
type Plan struct {
	rng    *rand.Rand
	table  []Fault
	deck   []Fault
	made   int
	gap    time.Duration
	lowest time.Duration
	most   time.Duration
}

// Options are how a plan is made.
type Options struct {
	Seed         uint64
	Gap          time.Duration // of peace between windows, at least; twice that at most
	Lowest, Most time.Duration // that windows hold
	Only         []string      // names of the faults to have; empty: all
}

// NewPlan makes a plan for a stage.
func NewPlan(s *stage.Stage, o Options) *Plan {
	p := &Plan{rng: rand.New(rand.NewPCG(o.Seed, 5)), gap: o.Gap, lowest: o.Lowest, most: o.Most}
	for _, f := range Table() {
		if f.On(s) && (len(o.Only) == 0 || contains(o.Only, f.Name)) {
			p.table = append(p.table, f)
		}
	}
	return p
}

func contains(list []string, name string) bool {
	for _, x := range list {
		if x == name {
			return true
		}
	}
	return false
}

// Names gives the faults that the plan draws from.
func (p *Plan) Names() []string {
	names := make([]string, len(p.table))
	for i, f := range p.table {
		names[i] = f.Name
	}
	return names
}

// Next gives the next window.
func (p *Plan) Next() Window {
	w := Window{
		Gap:  p.gap + time.Duration(p.rng.Int64N(int64(p.gap)+1)),
		Hold: p.lowest + time.Duration(p.rng.Int64N(int64(p.most-p.lowest)+1)),
		Seed: p.rng.Uint64(), Faults: []Fault{p.draw()},
	}
	p.made++
	if p.made%4 == 0 {
		w.Faults = append(w.Faults, p.beside(w.Faults[0])...)
	}
	return w
}

// beside gives another fault that may come together with one, if there is one.
func (p *Plan) beside(f Fault) []Fault {
	var may []Fault
	for _, o := range p.table {
		if o.Name != f.Name && o.Part != f.Part {
			may = append(may, o)
		}
	}
	if len(may) == 0 {
		return nil
	}
	return []Fault{may[p.rng.IntN(len(may))]}
}

func (p *Plan) draw() Fault {
	if len(p.deck) == 0 {
		p.deck = append(p.deck, p.table...)
		p.rng.Shuffle(len(p.deck), func(i, j int) { p.deck[i], p.deck[j] = p.deck[j], p.deck[i] })
	}
	f := p.deck[len(p.deck)-1]
	p.deck = p.deck[:len(p.deck)-1]
	return f
}
