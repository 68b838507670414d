package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-chat/parley/test/fault/crowd"
	"github.com/parley-chat/parley/test/fault/history"
	"github.com/parley-chat/parley/test/fault/stage"
	"github.com/parley-chat/parley/test/fault/storm"
	"github.com/parley-chat/parley/test/fault/timeline"
)

const (
	// What is promised after a fault has ended (see "stuck" in docs/faults.md).
	sendsPromise = 5 * time.Second
	headsPromise = 10 * time.Second
	// A round is so much, then everything is checked and new conversations are made.
	roundWindows = 24
	roundAcked   = 120_000
	// A build that is broken on purpose is looked at more often.
	expectWindows = 2
	expectSettle  = 15 * time.Second
	expectHeads   = 2 * time.Second

	mendTimeout   = 3 * time.Minute
	settleTimeout = 3 * time.Minute
	finalTimeout  = 10 * time.Minute
	poll          = 100 * time.Millisecond
	repeats       = 200
)

// run is the test of one target.
type run struct {
	o       *options
	stage   *stage.Stage
	crowd   *crowd.Crowd
	plan    *storm.Plan
	seed    uint64
	began   time.Time
	acked   int
	windows []timeline.Window
	seconds []timeline.Second
	found   []timeline.Anomaly
	counts  map[string]int

	read              map[string]int64 // of the nodes' logs
	goroutines, files int              // that the nodes held before the first fault
}

func logf(format string, args ...any) {
	fmt.Fprintf(os.Stdout, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// runAll tests every target and prints the closing line.
func runAll(ctx context.Context, o *options) (ok bool, err error) {
	logf("seed %d, commit %s, targets %v", o.seed, o.commit, o.targets)
	var acked, windows, anomalies int
	counts := map[string]int{}
	var errs []error
	for i, target := range o.targets {
		share := *o
		left := len(o.targets) - i
		share.acked = max(0, o.acked-acked) / left
		share.windows = max(0, o.windows-windows+left-1) / left
		share.long = o.long / time.Duration(len(o.targets))
		r := &run{o: &share, seed: o.seed, counts: counts, began: time.Now(), read: map[string]int64{}}
		if err := r.target(ctx, target); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", target, err))
		}
		acked += r.acked
		windows += len(r.windows)
		logf("%s: %d acked, %d windows, %d anomalies, in %.0f s", target, r.acked, len(r.windows), sum(counts)-anomalies, time.Since(r.began).Seconds())
		anomalies = sum(counts)
	}
	err = errors.Join(errs...)
	ok = anomalies == 0
	if len(o.expect) > 0 {
		ok = slices.ContainsFunc(o.expect, func(name string) bool { return counts[name] > 0 })
		logf("found %v, wanted one of %v", counts, o.expect)
	} else if err == nil && o.long == 0 && (acked < o.acked || windows < o.windows) {
		err = fmt.Errorf("too little: %d of %d acked, %d of %d windows", acked, o.acked, windows, o.windows)
	}
	if err != nil {
		logf("error: %v", err)
	}
	fmt.Printf("fault: %d acked, %d windows, %d anomalies\n", acked, windows, anomalies)
	return ok, err
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// target tests one target from its start to its end.
func (r *run) target(ctx context.Context, target string) (err error) {
	dir := filepath.Join(r.o.out, fmt.Sprintf("%s-%d", target, r.seed))
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear the folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	if r.stage, err = open(ctx, target, dir, r.o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stage.Close()) }()
	r.stage.Clocks = r.o.clocks
	if err := r.stage.Start(ctx); err != nil {
		return err //nolint:wrapcheck // says all
	}
	r.plan = storm.NewPlan(r.stage, storm.Options{Seed: r.seed, Gap: r.o.gap, Lowest: r.o.lowest, Most: r.o.most, Only: r.o.only})
	if len(r.plan.Names()) == 0 {
		return fmt.Errorf("no fault is left of %v", r.o.only)
	}
	r.crowd = crowd.New(crowd.Options{
		Seed: r.seed, People: r.o.people, Direct: r.o.people / 2, Groups: max(1, r.o.people*9/60), Rate: r.o.rate, Patience: r.o.patience,
		Prompt: r.stage.Engines == nil, Node: r.stage.Node, Logf: logf,
	})
	defer r.crowd.Close()
	if err := r.crowd.SignUp(ctx); err != nil {
		return err //nolint:wrapcheck // says all
	}
	if r.goroutines, r.files, err = r.rested(ctx); err != nil {
		return err
	}
	logf("%s: %d people; faults: %q", target, r.o.people, r.plan.Names())
	for round := 0; !r.enough(); round++ {
		if err := r.round(ctx, round); err != nil {
			logf("round %d ended early: %v", round, err)
			r.unchecked()
			if r.promised() {
				err = nil // it was so broken that it could not be read
			}
			return errors.Join(err, r.draw(target))
		}
		if err := r.draw(target); err != nil {
			return err
		}
		if len(r.o.expect) > 0 && len(r.found) > 0 {
			break
		}
	}
	return nil
}

func open(ctx context.Context, target, dir string, o *options) (*stage.Stage, error) {
	switch target {
	case "embedded":
		return stage.Embedded(dir, o.binary, logf) //nolint:wrapcheck // says all
	case "cluster":
		return stage.Cluster(ctx, dir, o.binary, o.netns, logf) //nolint:wrapcheck // says all
	default:
		return nil, fmt.Errorf("there is no target %q", target)
	}
}

// rested waits until all devices are connected and gives what the nodes hold then.
func (r *run) rested(ctx context.Context) (goroutines, files int, err error) {
	for end := time.Now().Add(settleTimeout); !r.crowd.Connected() && time.Now().Before(end); {
		if err := wait(ctx, poll); err != nil {
			return 0, 0, err
		}
	}
	return r.stage.Held(ctx) //nolint:wrapcheck // says all
}

// expected reports whether an anomaly was noted that was to be found.
func (r *run) expected() bool {
	if len(r.o.expect) == 0 {
		return false
	}
	_, counts := r.crowd.History().Anomalies()
	return slices.ContainsFunc(r.o.expect, func(name string) bool { return counts[name] > 0 })
}

// promised reports whether an anomaly that was to be found was.
func (r *run) promised() bool {
	return slices.ContainsFunc(r.o.expect, func(name string) bool { return r.counts[name] > 0 })
}

// suspected reports whether anything was noted of a build that is known to be broken:
// the check at the end of the round finds the rest.
func (r *run) suspected() bool {
	if len(r.o.expect) == 0 {
		return false
	}
	found, _ := r.crowd.History().Anomalies()
	return len(found) > 0
}

// unchecked adds what was noted in a round that does not come to its end.
func (r *run) unchecked() {
	found, counts := r.crowd.History().Anomalies()
	for name, n := range counts {
		r.counts[name] += n
	}
	for _, a := range found {
		logf("ANOMALY %s %q", a, a.Excerpt)
		r.found = append(r.found, timeline.Anomaly{At: time.Since(r.began), Title: a.String(), Excerpt: a.Excerpt})
	}
}

// enough reports whether the target has had what was asked for.
func (r *run) enough() bool {
	if r.o.long > 0 {
		return time.Since(r.began) > r.o.long
	}
	return r.acked > 0 && r.acked >= r.o.acked && len(r.windows) >= r.o.windows
}

// round lets the crowd act through fault windows, and checks everything in the end.
func (r *run) round(ctx context.Context, round int) error {
	if err := r.crowd.Begin(ctx, round); err != nil {
		return err //nolint:wrapcheck // says all
	}
	offset, before, windows := time.Since(r.began), int(r.crowd.Acked()), len(r.windows)
	h := r.crowd.History()
	over := func() bool {
		acked := int(r.crowd.Acked()) - before
		some := len(r.windows) - windows
		if len(r.o.expect) > 0 {
			return some >= expectWindows || r.suspected()
		}
		if r.o.long > 0 {
			return some >= roundWindows || acked >= roundAcked || r.enough()
		}
		return some > 0 && len(r.windows) >= r.o.windows && r.acked+acked >= r.o.acked || acked >= roundAcked
	}
	for !over() {
		if err := r.window(ctx, r.plan.Next()); err != nil {
			return err
		}
		if r.expected() {
			r.unchecked()
			return nil
		}
	}
	f, err := r.end(ctx)
	if err != nil {
		return err
	}
	if err := r.leaks(ctx, h); err != nil {
		return err
	}
	result := h.Check(f)
	r.acked += int(r.crowd.Acked()) - before
	r.report(h, result, round, offset)
	return nil
}

// window breaks something, mends it, and sees how the clients recover.
func (r *run) window(ctx context.Context, w storm.Window) error {
	if err := wait(ctx, w.Gap); err != nil {
		return err
	}
	from := time.Since(r.began)
	ctx, cancel := context.WithTimeout(ctx, mendTimeout+w.Hold)
	defer cancel()
	scene := &storm.Scene{
		Stage: r.stage, Crowd: r.crowd, Hold: w.Hold,
		Rng: rand.New(rand.NewPCG(w.Seed, 6)),
	}
	r.crowd.Storm(true)
	defer r.crowd.Storm(false)
	var mends []func(context.Context) error
	var errs []error
	broken := true
	for _, f := range w.Faults {
		mend, err := f.Do(ctx, scene)
		mends = append(mends, mend)
		if err != nil { // such as a lock that the database refused: nothing to learn from
			broken = false
			logf("could not break %s: %v", f.Name, err)
		}
	}
	errs = append(errs, wait(ctx, w.Hold-(time.Since(r.began)-from)))
	slices.Reverse(mends)
	for _, mend := range mends {
		errs = append(errs, mend(ctx))
	}
	if err := errors.Join(append(errs, r.stage.Start(ctx))...); err != nil {
		return fmt.Errorf("window %s: %w", w.Name(), err)
	}
	to := time.Since(r.began)
	r.crashes()
	sends, heads := r.recover(ctx, w)
	if !broken {
		return nil
	}
	r.windows = append(r.windows, timeline.Window{Name: w.Name(), From: from, To: to, SendsAfter: sends, HeadsAfter: heads})
	logf("window %d: %s, %.1f s; sends answered after %.1f s, devices at the head after %.1f s; %d acked",
		len(r.windows), w.Name(), (to - from).Seconds(), sends.Seconds(), heads.Seconds(), r.crowd.Acked())
	return nil
}

// crashes notes nodes that ended by themselves.
func (r *run) crashes() {
	for _, n := range r.stage.Nodes {
		for _, tail := range n.Crashes() {
			r.crowd.History().Note("crash", "", n.Name+" ended by itself", tail)
		}
	}
}

// recover waits until what was under way at the healing has its answer and every device
// has what was known then, and gives how long each took.
func (r *run) recover(ctx context.Context, w storm.Window) (sends, heads time.Duration) {
	healed := time.Now()
	known := r.crowd.Heads()
	mark := r.crowd.Mark()
	limit := func(promise time.Duration) time.Duration { return time.Duration(float64(promise) * r.o.patience) }
	h := r.crowd.History()
	told := false
	for (sends == 0 || heads == 0) && !r.suspected() {
		passed := time.Since(healed)
		if sends == 0 && r.crowd.SettledSince(mark) {
			sends = passed
		}
		if sends == 0 && passed > sendsPromise && !told { // on a machine that is slow this is not an anomaly yet
			told = true
			logf("waiting for: %q", r.crowd.Oldest(3))
		}
		behind := r.crowd.Behind(known, false)
		if heads == 0 && len(behind) == 0 {
			heads = passed
		}
		if sends == 0 && passed > limit(sendsPromise) {
			h.Note("stuck", "", fmt.Sprintf("after %s: sends were not answered within %s", w.Name(), limit(sendsPromise)), r.crowd.Oldest(5)...)
			sends = passed
		}
		if heads == 0 && passed > limit(headsPromise) {
			h.Note("stuck", "", fmt.Sprintf("after %s: %d devices were not at the head within %s", w.Name(), len(behind), limit(headsPromise)), behind[:min(5, len(behind))]...)
			logf("stuck: %d devices: %q", len(behind), behind[:min(5, len(behind))])
			heads = passed
		}
		if wait(ctx, poll) != nil {
			break
		}
	}
	return sends, heads
}

// end lets everything come to rest and reads what is there.
func (r *run) end(ctx context.Context) (history.Final, error) {
	h := r.crowd.History()
	r.crowd.Rest()
	r.crowd.Return(ctx)
	settle, limit := settleTimeout, time.Duration(float64(headsPromise)*r.o.patience)
	if len(r.o.expect) > 0 {
		settle, limit = expectSettle, expectHeads
		r.crowd.Hurry()
	}
	settling, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	if err := r.crowd.Settle(settling); err != nil {
		h.Note("stuck", "", "in the end: "+err.Error(), r.crowd.Oldest(5)...)
	}
	ctx, cancel = context.WithTimeout(ctx, finalTimeout)
	defer cancel()
	// Whoever is connected has to get there without being told to.
	heads, rested := r.crowd.Heads(), time.Now()
	behind := r.crowd.Behind(heads, true)
	for ; len(behind) > 0 && time.Since(rested) < limit; behind = r.crowd.Behind(heads, true) {
		if err := wait(ctx, poll); err != nil {
			return history.Final{}, err
		}
	}
	if len(behind) > 0 {
		logf("stuck in the end: %q", behind[:min(5, len(behind))])
		h.Note("stuck", "", fmt.Sprintf("in the end %d devices were not at the head within %s", len(behind), limit), behind[:min(5, len(behind))]...)
	}
	f, err := r.crowd.Final(ctx)
	if err != nil {
		return f, err //nolint:wrapcheck // says all
	}
	if err := r.crowd.Repeat(ctx, f, repeats); err != nil {
		return f, err //nolint:wrapcheck // says all
	}
	// A head that nobody was told of is known now: every device is asked to catch up.
	r.crowd.Told(f)
	for end := time.Now().Add(limit); len(r.crowd.Behind(lengths(f), true)) > 0 && time.Now().Before(end); {
		if err := wait(ctx, poll); err != nil {
			return f, err
		}
	}
	return f, nil
}

func lengths(f history.Final) map[string]int64 {
	all := map[string]int64{}
	for id, log := range f.Logs {
		all[id] = int64(len(log))
	}
	return all
}

var errStopped = errors.New("stopped")

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return errStopped
	case <-t.C:
		return nil
	}
}
