package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of test2json (go doc cmd/test2json).
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
	Elapsed                                                float64
}

type testID struct{ pkg, test string }

// goRun gathers what go test says, by package and test.
type goRun struct {
	out     io.Writer
	loud    bool // show what passed, too
	outputs map[testID][]string
	results map[testID]string // action that ended it
	parents map[testID]bool
	ran     map[string]int // tests of a package
	broken  int            // packages that failed without a failed test
	grave   bool           // something failed that no second run can excuse
}

// countGo reads the events of go test -json, shows one line a package and the output
// of what failed, and counts leaf tests: a test with subtests is counted as those. The
// seed corpus of a fuzz test counts as one test. loud shows the output of what passed, too.
func countGo(in io.Reader, out io.Writer, loud bool) (passed, failed, skipped int, err error) {
	run := newGoRun(out, loud)
	if err := run.read(in); err != nil {
		return 0, 0, 0, err
	}
	passed, failed, skipped = run.count()
	return passed, failed + run.broken, skipped, nil
}

func newGoRun(out io.Writer, loud bool) *goRun {
	return &goRun{out: out, loud: loud, outputs: map[testID][]string{}, results: map[testID]string{}, parents: map[testID]bool{}, ran: map[string]int{}}
}

func (r *goRun) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			// What go itself says, such as a pattern that matches nothing.
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.add(e)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

func (r *goRun) add(e event) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		if strings.HasPrefix(e.Output, "=== ") {
			return // says only that a test runs
		}
		r.outputs[id] = append(r.outputs[id], e.Output)
		r.grave = r.grave || isGrave(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(id, e.Action)
		}
	}
}

func (r *goRun) endTest(id testID, action string) {
	r.results[id] = action
	r.ran[id.pkg]++
	for name := id.test; ; {
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			break
		}
		name = name[:i]
		r.parents[testID{id.pkg, name}] = true
	}
	if said := r.outputs[id]; action != "pass" || r.loud && len(said) > 1 {
		fmt.Fprint(r.out, strings.Join(said, ""))
	}
	delete(r.outputs, id)
}

func (r *goRun) endPackage(e event) {
	id := testID{e.Package, ""}
	switch {
	case e.Action == "fail":
		fmt.Fprintf(r.out, "FAIL %s %.1f s\n", e.Package, e.Elapsed)
		if r.failedTests(e.Package) == 0 {
			// It did not build, ended early, or a test never came back.
			r.broken++
			for open, text := range r.outputs {
				if open.pkg == e.Package {
					fmt.Fprint(r.out, strings.Join(text, ""))
				}
			}
		}
	case r.ran[e.Package] > 0:
		fmt.Fprintf(r.out, "ok   %s %.1f s, %d tests\n", e.Package, e.Elapsed, r.ran[e.Package])
	}
	delete(r.outputs, id)
}

func (r *goRun) failedTests(pkg string) int {
	n := 0
	for id, action := range r.results {
		if id.pkg == pkg && action == "fail" {
			n++
		}
	}
	return n
}

func (r *goRun) count() (passed, failed, skipped int) {
	counted := map[testID]string{}
	for id, action := range r.results {
		if strings.HasPrefix(id.test, "Fuzz") {
			id.test, _, _ = strings.Cut(id.test, "/")
			if counted[id] != "fail" {
				counted[id] = action
			}
			continue
		}
		// A parent can fail by itself, after its subtests.
		if !r.parents[id] || action == "fail" && !r.childFailed(id) {
			counted[id] = action
		}
	}
	for _, action := range counted {
		switch action {
		case "pass":
			passed++
		case "fail":
			failed++
		case "skip":
			skipped++
		}
	}
	return passed, failed, skipped
}

func (r *goRun) childFailed(parent testID) bool {
	for id, action := range r.results {
		if action == "fail" && id.pkg == parent.pkg && strings.HasPrefix(id.test, parent.test+"/") {
			return true
		}
	}
	return false
}

// countReports adds up the JSON reports that a runner of JavaScript tests left.
func countReports(runner, suite string, paths []string) (Counts, error) {
	total := Counts{Suite: suite}
	if len(paths) == 0 {
		return total, errors.New("want a report")
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return total, fmt.Errorf("read report: %w", err)
		}
		c, err := countReport(runner, text)
		if err != nil {
			return total, fmt.Errorf("count %s: %w", path, err)
		}
		if c.Passed+c.Failed == 0 {
			return total, fmt.Errorf("%s: no test ran", path)
		}
		total.Passed += c.Passed
		total.Failed += c.Failed
		total.Skipped += c.Skipped
		total.Flaky += c.Flaky
	}
	return total, nil
}

func countReport(runner string, text []byte) (c Counts, err error) {
	switch runner {
	case "vitest":
		var r struct {
			NumPassedTests, NumFailedTests, NumPendingTests, NumTodoTests, NumFailedTestSuites int
			Success                                                                            bool
		}
		err = json.Unmarshal(text, &r)
		c.Passed, c.Failed, c.Skipped = r.NumPassedTests, r.NumFailedTests, r.NumPendingTests+r.NumTodoTests
		if c.Failed == 0 && (r.NumFailedTestSuites > 0 || !r.Success) {
			c.Failed = max(1, r.NumFailedTestSuites)
		}
	case "playwright":
		var r struct {
			Stats  struct{ Expected, Unexpected, Flaky, Skipped int }
			Errors []json.RawMessage
		}
		err = json.Unmarshal(text, &r)
		c.Passed, c.Failed, c.Skipped = r.Stats.Expected+r.Stats.Flaky, r.Stats.Unexpected+len(r.Errors), r.Stats.Skipped
		c.Flaky = r.Stats.Flaky
	case "mocha":
		var r struct {
			Stats struct{ Passes, Failures, Pending int }
		}
		err = json.Unmarshal(text, &r)
		c.Passed, c.Failed, c.Skipped = r.Stats.Passes, r.Stats.Failures, r.Stats.Pending
	default:
		return c, fmt.Errorf("unknown runner %q", runner)
	}
	if err != nil {
		return c, fmt.Errorf("decode report: %w", err)
	}
	return c, nil
}
