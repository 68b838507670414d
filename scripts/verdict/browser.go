package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// browserSuite is a file or a describe block of Playwright's json report, and what is in it.
type browserSuite struct {
	Suites []browserSuite
	Specs  []struct {
		Title, File string
		Line        int
		Tests       []struct{ Status string }
	}
}

// nameFlaky says which tests of Playwright's reports needed a second try.
func (v verdict) nameFlaky(paths []string) error {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read report: %w", err)
		}
		var report browserSuite
		if err := json.Unmarshal(text, &report); err != nil {
			return fmt.Errorf("decode report: %w", err)
		}
		for _, name := range report.flaky() {
			fmt.Fprintf(v.out, "flaky: %s: failed, and passed when run again\n", name)
		}
	}
	return nil
}

func (s browserSuite) flaky() []string {
	var names []string
	for _, spec := range s.Specs {
		for _, test := range spec.Tests {
			if test.Status == "flaky" {
				names = append(names, fmt.Sprintf("%s:%d %s", spec.File, spec.Line, spec.Title))
			}
		}
	}
	for _, inner := range s.Suites {
		names = append(names, inner.flaky()...)
	}
	return names
}
