package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// maxFlaky is how many tests of a suite may need a second try.
const maxFlaky = 3

func flakyNote(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d flaky (among the passed)", n)
}

// isGrave reports whether a line of output tells of what must never happen, so that
// a second run which passes proves nothing.
func isGrave(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") || strings.Contains(line, "WARNING: DATA RACE")
}

// countGo counts a run of go test. In mode "again" it runs tests that failed once
// more, alone, and names those that passed then: machines that are shared stall,
// and what is told is not forgotten.
func (v verdict) countGo(in io.Reader, suite, mode string) (Counts, error) {
	run := newGoRun(v.out, mode == "loud")
	if err := run.read(in); err != nil {
		return Counts{}, err
	}
	c := Counts{Suite: suite}
	if failed := run.failedRoots(); mode == "again" && run.broken == 0 && !run.grave && len(failed) > 0 && len(failed) <= maxFlaky {
		for _, id := range failed {
			fmt.Fprintf(v.out, "again: %s %s\n", id.pkg, id.test)
			second, err := v.again(id)
			if err != nil {
				return Counts{}, err
			}
			if second.broken > 0 || second.results[id] != "pass" {
				continue
			}
			fmt.Fprintf(v.out, "flaky: %s %s: failed, and passed when run again\n", id.pkg, id.test)
			run.replace(id, second)
			c.Flaky++
		}
	}
	c.Passed, c.Failed, c.Skipped = run.count()
	c.Failed += run.broken
	return c, nil
}

// rerun runs one test of a package and gives what go test -json says.
func rerun(id testID) ([]byte, error) {
	cmd := exec.Command("go", "test", "-race", "-json", "-count=1", "-timeout", "10m", "-run", "^"+regexp.QuoteMeta(id.test)+"$", id.pkg) //nolint:noctx // names that go test gave
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		return nil, fmt.Errorf("run %s again: %w", id.test, err)
	}
	return out, nil
}

func (v verdict) again(id testID) (*goRun, error) {
	out, err := v.rerun(id)
	if err != nil {
		return nil, err
	}
	second := newGoRun(v.out, false)
	return second, second.read(bytes.NewReader(out))
}

// failedRoots gives the failed tests that are no subtests.
func (r *goRun) failedRoots() []testID {
	var roots []testID
	for id, action := range r.results {
		if action == "fail" && !strings.Contains(id.test, "/") {
			roots = append(roots, id)
		}
	}
	slices.SortFunc(roots, func(a, b testID) int { return strings.Compare(a.pkg+" "+a.test, b.pkg+" "+b.test) })
	return roots
}

// replace puts the second run of a test, with its subtests, in the place of the first.
func (r *goRun) replace(root testID, second *goRun) {
	for id := range r.results {
		if id.pkg == root.pkg && (id.test == root.test || strings.HasPrefix(id.test, root.test+"/")) {
			delete(r.results, id)
		}
	}
	for id, action := range second.results {
		r.results[id] = action
		if second.parents[id] {
			r.parents[id] = true
		}
	}
}
