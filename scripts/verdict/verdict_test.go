package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goEvents = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA/one","Output":"    got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/two"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"FuzzB/seed#0"}
{"Action":"pass","Package":"p","Test":"FuzzB/seed#1"}
{"Action":"pass","Package":"p","Test":"FuzzB"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"fail","Package":"p","Elapsed":0.5}
{"Action":"build-output","ImportPath":"q","Output":"q.go:1: undefined\n"}
{"Action":"fail","Package":"q","Elapsed":0,"FailedBuild":"q"}
{"Action":"skip","Package":"empty"}
not json
`

func TestGoTestsAreCountedByLeaf(t *testing.T) {
	var out strings.Builder
	passed, failed, skipped, err := countGo(strings.NewReader(goEvents), &out, false)
	if err != nil {
		t.Fatal(err)
	}
	// Passed: TestA/two, FuzzB. Failed: TestA/one and package q, which does not build.
	if passed != 2 || failed != 2 || skipped != 1 {
		t.Errorf("got %d passed, %d failed, %d skipped; want 2, 2, 1", passed, failed, skipped)
	}
	for _, want := range []string{"got 1, want 2", "q.go:1: undefined", "FAIL q", "not json"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
}

func TestATestThatNeverCameBackFailsItsPackage(t *testing.T) {
	var out strings.Builder
	events := `{"Action":"run","Package":"p","Test":"TestHangs"}
{"Action":"output","Package":"p","Test":"TestHangs","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p"}`
	_, failed, _, err := countGo(strings.NewReader(events), &out, false)
	if err != nil || failed != 1 || !strings.Contains(out.String(), "timed out") {
		t.Errorf("got %d failed, %v, output %q; want 1 failed and why", failed, err, out.String())
	}
}

func TestLoudShowsWhatPassed(t *testing.T) {
	events := `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"seed 7\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}`
	for loud, want := range map[bool]string{true: "seed 7\n--- PASS: TestA\n", false: ""} {
		var out strings.Builder
		if passed, _, _, err := countGo(strings.NewReader(events), &out, loud); err != nil || passed != 1 || out.String() != want {
			t.Errorf("loud %v: got %q, %d passed, %v; want %q, 1 passed", loud, out.String(), passed, err, want)
		}
	}
}

func TestReportsOfOtherRunners(t *testing.T) {
	for name, test := range map[string]struct {
		runner, report string
		want           Counts
	}{
		"vitest":                   {"vitest", `{"numPassedTests":5,"numFailedTests":1,"numPendingTests":1,"numTodoTests":1,"success":false}`, Counts{"s", 5, 1, 2, 0}},
		"a file that did not load": {"vitest", `{"numPassedTests":5,"numFailedTestSuites":2,"success":false}`, Counts{"s", 5, 2, 0, 0}},
		"playwright":               {"playwright", `{"stats":{"expected":4,"unexpected":1,"flaky":1,"skipped":2},"errors":[]}`, Counts{"s", 5, 1, 2, 1}},
		"no test found":            {"playwright", `{"stats":{},"errors":[{"message":"no tests found"}]}`, Counts{"s", 0, 1, 0, 0}},
		"mocha":                    {"mocha", `{"stats":{"passes":3,"failures":0,"pending":1}}`, Counts{"s", 3, 0, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "report.json")
			if err := os.WriteFile(path, []byte(test.report), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := countReports(test.runner, "s", []string{path})
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestSeveralReportsAreOneSuite(t *testing.T) {
	dir := t.TempDir()
	report := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, b := report("a", `{"stats":{"passes":3}}`), report("b", `{"stats":{"passes":2,"failures":1}}`)
	if got, err := countReports("mocha", "s", []string{a, b}); err != nil || got.Passed != 5 || got.Failed != 1 {
		t.Errorf("got %+v, %v; want 5 passed, 1 failed", got, err)
	}
	if _, err := countReports("mocha", "s", []string{a, report("c", `{"stats":{}}`)}); err == nil {
		t.Error("got no error although one report is empty")
	}
	if _, err := countReports("mocha", "s", nil); err == nil {
		t.Error("got no error without a report")
	}
}

func TestTheSumIsHonest(t *testing.T) {
	ok := Counts{Suite: "unit", Passed: 3}
	for name, test := range map[string]struct {
		kept   []Counts
		step   string
		suites []string
		want   string
		pass   bool
	}{
		"all well":           {[]Counts{ok}, "ok\n", []string{"unit"}, "3 passed, 0 failed", true},
		"a suite is missing": {[]Counts{ok}, "ok\n", []string{"unit", "web"}, "3 passed, 1 failed", false},
		"a suite was empty":  {[]Counts{ok, {Suite: "web"}}, "ok\n", []string{"unit", "web"}, "3 passed, 1 failed", false},
		"a step failed":      {[]Counts{ok}, "FAILED\n", []string{"unit"}, "3 passed, 1 failed", false},
		"a test failed":      {[]Counts{{"unit", 3, 2, 0, 0}}, "FAILED\n", []string{"unit"}, "3 passed, 2 failed", false},
		"a test was skipped": {[]Counts{{"unit", 3, 0, 1, 0}}, "ok\n", []string{"unit"}, "3 passed, 1 failed", false},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			v := verdict{dir: t.TempDir(), strict: true, out: io.Discard}
			for _, c := range test.kept {
				err := v.keep(c)
				if (err == nil) != (c.Passed > 0 && c.Failed+c.Skipped == 0) {
					t.Errorf("keep %+v: %v", c, err)
				}
			}
			if err := os.WriteFile(filepath.Join(v.dir, "lint.step"), []byte(test.step), 0o600); err != nil {
				t.Fatal(err)
			}
			v.out = &out
			err := v.sum(test.suites)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; last != test.want || (err == nil) != test.pass {
				t.Errorf("got %q, %v; want %q, pass %v", last, err, test.want, test.pass)
			}
		})
	}
}

func TestASecondTryIsToldAndBounded(t *testing.T) {
	fail := func(names ...string) string {
		var events strings.Builder
		for _, n := range names {
			events.WriteString(`{"Action":"fail","Package":"p","Test":"` + n + `/sub"}` + "\n" + `{"Action":"fail","Package":"p","Test":"` + n + `"}` + "\n")
		}
		return events.String() + `{"Action":"fail","Package":"p"}`
	}
	pass := func(id testID) ([]byte, error) {
		return []byte(`{"Action":"pass","Package":"p","Test":"` + id.test + `/sub"}
{"Action":"pass","Package":"p","Test":"` + id.test + `"}
{"Action":"pass","Package":"p"}`), nil
	}
	failAgain := func(id testID) ([]byte, error) { return []byte(fail(id.test)), nil }
	for name, test := range map[string]struct {
		mode, events string
		rerun        func(testID) ([]byte, error)
		want         Counts
	}{
		"passes then":        {"again", fail("TestA"), pass, Counts{"s", 1, 0, 0, 1}},
		"fails again":        {"again", fail("TestA"), failAgain, Counts{"s", 0, 1, 0, 0}},
		"not asked for":      {"", fail("TestA"), pass, Counts{"s", 0, 1, 0, 0}},
		"too many":           {"again", fail("TestA", "TestB", "TestC", "TestD"), pass, Counts{"s", 0, 4, 0, 0}},
		"a race is no flake": {"again", `{"Action":"output","Package":"p","Test":"TestA","Output":"WARNING: DATA RACE\n"}` + "\n" + fail("TestA"), pass, Counts{"s", 0, 1, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			v := verdict{out: &out, rerun: test.rerun}
			got, err := v.countGo(strings.NewReader(test.events), "s", test.mode)
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
			if told := strings.Contains(out.String(), "flaky: p TestA"); told != (test.want.Flaky > 0) {
				t.Errorf("told %v:\n%s", told, out.String())
			}
		})
	}
}

func TestManyFlakyTestsAreFailures(t *testing.T) {
	v := verdict{dir: t.TempDir(), out: io.Discard}
	if err := v.keep(Counts{Suite: "s", Passed: 10, Flaky: maxFlaky}); err != nil {
		t.Errorf("got %v for %d", err, maxFlaky)
	}
	if err := v.keep(Counts{Suite: "s", Passed: 10, Flaky: maxFlaky + 1}); err == nil {
		t.Errorf("got no error for %d", maxFlaky+1)
	}
}
