// Command verdict counts what the test runners really ran, so that a green run
// cannot be an empty one. It hides the runners' output formats.
//
//	go test -json … | verdict go SUITE [loud|again]
//	                                       show failures as they come (loud: all output), count, keep the counts;
//	                                       again: run the few that failed once more, alone
//	verdict vitest SUITE REPORT.json…      count reports of vitest's json reporter
//	verdict playwright SUITE REPORT.json…  count reports of Playwright's json reporter
//	verdict mocha SUITE REPORT.json…       count reports of mocha's json reporter
//	verdict sum SUITE…                     add up, closing with "N passed, N failed"
//
// Counts are kept in out/results/SUITE.json. A skipped test counts as failed when CI
// is set in the environment. A test that failed and passed when it was run again counts
// as passed and is named as flaky; more than three of a suite are failures. Exit 1 if
// something failed or nothing ran.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Counts is what one suite ran.
type Counts struct {
	Suite   string `json:"suite"`
	Passed  int    `json:"passed"`
	Failed  int    `json:"failed"`
	Skipped int    `json:"skipped"`
	Flaky   int    `json:"flaky"` // passed at the second try; among the passed
}

func main() {
	v := verdict{rerun: rerun, dir: filepath.Join("out", "results"), strict: os.Getenv("CI") != "", out: os.Stdout}
	if err := v.run(os.Args[1:], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "verdict:", err)
		os.Exit(1)
	}
}

type verdict struct {
	dir    string // where counts are kept
	strict bool   // a skipped test is a failed one
	out    io.Writer
	rerun  func(testID) ([]byte, error)
}

func (v verdict) run(args []string, in io.Reader) error {
	if len(args) < 2 {
		return errors.New("want a runner and a suite")
	}
	if args[0] == "sum" {
		return v.sum(args[1:])
	}
	c := Counts{Suite: args[1]}
	var err error
	if args[0] == "go" {
		mode := append(args[2:], "")[0]
		c, err = v.countGo(in, c.Suite, mode)
	} else {
		c, err = countReports(args[0], args[1], args[2:])
	}
	if err == nil && args[0] == "playwright" {
		err = v.nameFlaky(args[2:])
	}
	if err != nil {
		return fmt.Errorf("count %s: %w", args[1], err)
	}
	return v.keep(c)
}

// keep stores the counts of a suite and says what they mean.
func (v verdict) keep(c Counts) error {
	if c.Flaky > maxFlaky {
		c.Passed, c.Failed, c.Flaky = c.Passed-c.Flaky, c.Failed+c.Flaky, 0
	}
	if v.strict {
		c.Failed, c.Skipped = c.Failed+c.Skipped, 0
	}
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode counts: %w", err)
	}
	if err := os.MkdirAll(v.dir, 0o755); err != nil {
		return fmt.Errorf("keep counts: %w", err)
	}
	if err := os.WriteFile(v.path(c.Suite), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep counts: %w", err)
	}
	fmt.Fprintf(v.out, "%s: %d passed, %d failed, %d skipped%s\n", c.Suite, c.Passed, c.Failed, c.Skipped, flakyNote(c.Flaky))
	switch {
	case c.Failed > 0:
		return fmt.Errorf("%s: %d failed", c.Suite, c.Failed)
	case c.Passed == 0:
		return fmt.Errorf("%s: no test ran", c.Suite)
	}
	return nil
}

func (v verdict) path(suite string) string { return filepath.Join(v.dir, suite+".json") }

// sum prints a line for each suite and the closing line. A suite that left no counts,
// or ran nothing, is one failure; so is a step that failed although its tests did not.
func (v verdict) sum(suites []string) error {
	var total Counts
	for _, suite := range suites {
		c := Counts{Suite: suite}
		text, err := os.ReadFile(v.path(suite))
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		note := ""
		if err != nil || c.Passed+c.Failed == 0 {
			c.Failed++
			note = "  (did not run)"
		}
		note += flakyNote(c.Flaky)
		fmt.Fprintf(v.out, "%-12s %5d passed %4d failed%s\n", suite, c.Passed, c.Failed, note)
		total.Passed += c.Passed
		total.Failed += c.Failed
	}
	steps, err := filepath.Glob(filepath.Join(v.dir, "*.step"))
	if err != nil {
		return fmt.Errorf("look for steps: %w", err)
	}
	for _, path := range steps {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read a step's verdict: %w", err)
		}
		if string(text) == "ok\n" {
			continue
		}
		fmt.Fprintf(v.out, "step %s failed\n", filepath.Base(path[:len(path)-len(".step")]))
		if total.Failed == 0 {
			total.Failed = 1
		}
	}
	fmt.Fprintf(v.out, "%d passed, %d failed\n", total.Passed, total.Failed)
	if total.Failed > 0 || total.Passed == 0 {
		return errors.New("the tests did not pass")
	}
	return nil
}
