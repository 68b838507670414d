package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBrowserTestsThatNeededASecondTryAreNamed(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report.json")
	text := `{"stats":{"expected":1,"flaky":1},"suites":[{"suites":[
		{"specs":[{"title":"a chat","file":"chat.spec.ts","line":7,"tests":[{"status":"flaky"}]}]}],
		"specs":[{"title":"well","file":"chat.spec.ts","line":3,"tests":[{"status":"expected"}]}]}]}`
	if err := os.WriteFile(report, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	v := verdict{dir: t.TempDir(), strict: true, out: &out}
	if err := v.run([]string{"playwright", "e2e", report}, nil); err != nil {
		t.Fatal(err)
	}
	want := "flaky: chat.spec.ts:7 a chat: failed, and passed when run again\ne2e: 2 passed, 0 failed, 0 skipped, 1 flaky (among the passed)\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
