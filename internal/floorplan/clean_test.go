package floorplan

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// foreign is what must not be in the repository, and why. The words and patterns are
// put together from halves, so that this file does not hold what it looks for. A file
// without any of a rule's words (in lower case) is not searched.
type rule struct {
	why     string
	words   []string
	pattern *regexp.Regexp
}

var foreign = []rule{
	{
		"a package registry's host: lock files and scripts use the one that is configured",
		[]string{"regis" + "try.", "prox" + "y.go", "su" + "m.go", "mav" + "en", "files.py" + "thon", "crat" + "es", "deb.deb" + "ian"},
		regexp.MustCompile(`(?i)registry\.` + `(npmjs\.org|yarnpkg\.com)|proxy\.` + `golang\.org|sum\.` + `golang\.org|repo1?\.` + `maven\.(org|apache\.org)|` +
			`files\.` + `pythonhosted\.org|(static|index)\.` + `crates\.io|deb\.` + `debian\.org`),
	},
	{
		"a path of somebody's machine",
		[]string{"/wor" + "k/", "/roo" + "t/", "/hom" + "e/", "/use" + "rs/"},
		regexp.MustCompile(`/wor` + `k/|/roo` + `t/|/hom` + `e/[a-z]|/Use` + `rs/[A-Z]?[a-z]`),
	},
	{
		"the name of a workplace",
		[]string{"see" + "d", "bri" + "ef", "shap" + "es", "issu" + "e"},
		regexp.MustCompile(`(?i)\bse` + `ed[- ][0-9a-f]{8}\b|\bBRI` + `EF\.md|\bSHAP` + `ES\.md|\bissues sh` + `ow\b|\biss` + `ue [0-9]\b`),
	},
	{
		"unfinished work",
		[]string{"to" + "do", "fix" + "me", "xx" + "x"},
		regexp.MustCompile(`(?://|#|/\*|\*|<!--|--)\s*(?:TO` + `DO|FIX` + `ME|XX` + `X)\b`),
	},
	{
		"a secret",
		[]string{"private ke" + "y", "aki" + "a", "gh" + "p_", "gh" + "o_", "gh" + "u_", "gh" + "s_", "gh" + "r_"},
		regexp.MustCompile(`-----BEGIN [A-Z ]*PRIV` + `ATE KEY-----|\bAK` + `IA[0-9A-Z]{16}\b|\bgh` + `[pousr]_[A-Za-z0-9]{36}\b`),
	},
}

// find gives where a text breaks the rule, at most three places. lower is the text in lower case.
func (r *rule) find(text, lower []byte) [][]int {
	if !slices.ContainsFunc(r.words, func(w string) bool { return bytes.Contains(lower, []byte(w)) }) {
		return nil
	}
	return r.pattern.FindAllIndex(text, 3)
}

// binary holds the kinds of files that no text rule applies to.
var binary = []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff2", ".wasm", ".mp3", ".mp4", ".pdf", ".zip", ".gz"}

func TestNothingForeignIsInTheTree(t *testing.T) {
	for _, name := range allFiles(t) {
		if slices.Contains(binary, strings.ToLower(filepath.Ext(name))) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		lower := bytes.ToLower(text)
		for i := range foreign {
			for _, at := range foreign[i].find(text, lower) {
				t.Errorf("%s:%d: %q is %s", name, 1+bytes.Count(text[:at[0]], []byte{'\n'}), text[at[0]:at[1]], foreign[i].why)
			}
		}
	}
}

func TestTheRulesFindWhatTheyLookFor(t *testing.T) {
	for _, bad := range []string{
		"resolved: https://registry." + "npmjs.org/x", "GOPROXY=https://proxy." + "golang.org", "cd /wor" + "k/main", "se" + "ed 0123abcd",
		"// TO" + "DO later", "-----BEGIN RSA PRIV" + "ATE KEY-----", "gh" + "p_0123456789abcdefghijABCDEFGHIJ012345",
		"https://repo1.mav" + "en.org/x", "https://deb.deb" + "ian.org", "as in iss" + "ue 7", "/hom" + "e/someone", "# FIX" + "ME",
	} {
		if !slices.ContainsFunc(foreign, func(r rule) bool { return len(r.find([]byte(bad), bytes.ToLower([]byte(bad)))) > 0 }) {
			t.Errorf("no rule matches %q", bad)
		}
	}
}

// mustExist is what a newcomer and a reviewer look for.
var mustExist = []string{
	"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile", ".ci/run", ".golangci.yml",
	"docs/glossary.md", "docs/operations.md", "docs/adr/0001-a-conversation-is-a-log.md", "docs/adr/0009-dependencies.md",
}

func TestTheHouseHasItsDocuments(t *testing.T) {
	for _, name := range mustExist {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info.Size() < 200 {
			t.Errorf("%s: got %d bytes, want a document", name, info.Size())
		}
	}
}

func TestArchitectureNamesEveryRoom(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte{'\n'}); n > 150 {
		t.Errorf("ARCHITECTURE.md: got %d lines, want at most 150", n)
	}
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		r := findRoom(f.Dir)
		if r == nil || seen[r.dir] {
			continue
		}
		seen[r.dir] = true
		noun := strings.TrimPrefix(strings.TrimSuffix(r.dir, "/..."), "internal/")
		if !bytes.Contains(text, []byte("`"+noun+"`")) && !bytes.Contains(text, []byte("`"+noun+"/`")) {
			t.Errorf("ARCHITECTURE.md does not name `%s`", noun)
		}
	}
}

// TestLinksLeadSomewhere follows the relative links of every document.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	for _, name := range allFiles(t) {
		if filepath.Ext(name) != ".md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			target := string(m[1])
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, target)
			}
		}
	}
}

// TestDocumentsNameWhatExists finds tests and steps of the Makefile that documents speak of
// and that are there no more.
func TestDocumentsNameWhatExists(t *testing.T) {
	tests := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	for _, name := range allFiles(t) {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range function.FindAllStringSubmatch(contents(t, name), -1) {
			tests[m[1]] = true
		}
	}
	steps := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllStringSubmatch(contents(t, "Makefile"), -1) {
		steps[m[1]] = true
	}
	named, made := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+)`"), regexp.MustCompile("(?m)(?:`|^)make ([a-z0-9-]+)")
	count := 0
	for _, name := range allFiles(t) {
		if filepath.Ext(name) != ".md" {
			continue
		}
		text := contents(t, name)
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if count++; !tests[m[1]] {
				t.Errorf("%s speaks of %s, which does not exist", name, m[1])
			}
		}
		for _, m := range made.FindAllStringSubmatch(text, -1) {
			if count++; !steps[m[1]] {
				t.Errorf("%s speaks of make %s, which does not exist", name, m[1])
			}
		}
	}
	if count < 50 {
		t.Errorf("got %d names in the documents, want more: is the pattern right?", count)
	}
}

func contents(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
