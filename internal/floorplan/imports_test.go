package floorplan

import (
	"strings"
	"testing"
)

// A room is a package of ours, and what of ours its files may import. "/..." at the
// end means the package and everything below it.
type room struct {
	dir   string
	may   []string // what any file of it may import
	tests []string // what its tests may import besides
}

const (
	domain  = "internal/chat"
	suites  = "internal/chat/chattest"
	service = "internal/service"
	engine  = "socketio/..."
	client  = "socketio/client"
	broken  = "internal/sabotage" // constants that are false in a real build
)

// twins are the in-process parts that tests above the ports run with: real ones, not mocks.
var twins = []string{suites, service, "internal/sequencer", "internal/inproc", "internal/sqlstore/...", "internal/blob", "internal/worker"}

// The floor plan. A new room needs a noun, a line here and a line in ARCHITECTURE.md.
var rooms = []room{
	{dir: "cmd/parley", may: []string{"internal/app", "internal/config"}},

	{dir: "socketio/...", may: []string{engine}},

	{dir: domain, tests: []string{suites}},
	{dir: suites, may: []string{domain}},
	{dir: "internal/config/...", may: []string{"internal/config/..."}},

	{dir: broken},

	{dir: service, may: []string{domain, broken}, tests: twins},
	{dir: "internal/sequencer", may: []string{domain, broken}, tests: []string{suites, "internal/inproc", "internal/sqlstore/..."}},
	{dir: "internal/worker", may: []string{domain}, tests: twins},
	{dir: "internal/call", may: []string{domain}, tests: twins},
	{dir: "internal/wire/...", may: []string{domain, "internal/wire/..."}, tests: []string{suites}},

	// Adapters never import each other, not even in tests: the suites are what they share.
	{dir: "internal/inproc", may: []string{domain}, tests: []string{suites}},
	{dir: "internal/kafka", may: []string{domain}, tests: []string{suites}},
	{dir: "internal/redis", may: []string{domain}, tests: []string{suites}},
	{dir: "internal/sqlstore/...", may: []string{domain, broken, "internal/sqlstore/..."}, tests: []string{suites}},
	{dir: "internal/mongostore", may: []string{domain}, tests: []string{suites}},
	{dir: "internal/blob", may: []string{domain}, tests: []string{suites}},
	{dir: "internal/push", may: []string{domain}, tests: []string{suites}},
	{dir: "internal/turn", may: []string{domain}},
	{dir: "internal/mail", may: []string{domain}, tests: []string{suites}},

	{
		dir:   "internal/gateway/...",
		may:   []string{domain, broken, service, "internal/call", "internal/wire/...", "socketio", "internal/gateway/..."},
		tests: append([]string{engine}, twins...),
	},
	{
		dir:   "internal/api/...",
		may:   []string{domain, service, "internal/call", "internal/wire/...", "internal/api/..."},
		tests: twins,
	},

	{dir: "internal/app/...", may: []string{"..."}},
	{dir: "internal/floorplan"},
	{dir: "web"},

	// What proves the whole talks to it from outside, as a client does.
	{dir: "internal/program"},
	{dir: "bench/...", may: []string{client, "internal/program", "bench/..."}},
	{dir: "test/...", may: []string{client, "internal/program", "test/..."}, tests: []string{engine}},
	{dir: "scripts/...", may: []string{"scripts/..."}},
}

// drivers have one room each: nobody else may name them.
var drivers = []struct {
	path  string
	rooms []string
}{
	{"database/sql", []string{"internal/sqlstore"}},
	{"github.com/jackc/pgx", []string{"internal/sqlstore", "test/fault/stage"}},
	{"modernc.org/sqlite", []string{"internal/sqlstore"}},
	{"github.com/pressly/goose", []string{"internal/sqlstore"}},
	{"github.com/twmb/franz-go", []string{"internal/kafka", "test/fault/stage"}},
	{"github.com/redis", []string{"internal/redis"}},
	{"go.mongodb.org", []string{"internal/mongostore"}},
	{"gocloud.dev", []string{"internal/blob", "internal/app"}},
	{"github.com/danielgtaylor/huma", []string{"internal/api"}},
	{"github.com/knadh/koanf", []string{"internal/config"}},
	{"golang.org/x/image", []string{"internal/blob"}},
	{"github.com/pion", []string{"internal/turn"}},
	{"net/http", []string{"internal/api", "internal/gateway", "internal/app", "socketio", "bench", "test", "cmd", "scripts", "internal/program", "internal/push"}},
}

// matches reports whether dir is what pattern names.
func matches(pattern, dir string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return under(dir, base)
	}
	return pattern == dir
}

func findRoom(dir string) *room {
	for i := range rooms {
		if matches(rooms[i].dir, dir) {
			return &rooms[i]
		}
	}
	return nil
}

func allowed(dir string, lists ...[]string) bool {
	for _, list := range lists {
		for _, pattern := range list {
			if matches(pattern, dir) {
				return true
			}
		}
	}
	return false
}

func TestEveryPackageKeepsToTheFloorPlan(t *testing.T) {
	checked := 0
	for _, f := range goFiles(t) {
		r := findRoom(f.Dir)
		if r == nil {
			t.Errorf("%s: package %s is not on the floor plan: add it here, or put the file where it belongs", f.Path, f.Dir)
			continue
		}
		for _, path := range f.imports() {
			dir, ours := strings.CutPrefix(path, modulePath+"/")
			if !ours || dir == f.Dir {
				continue
			}
			checked++
			lists := [][]string{r.may}
			if f.Test {
				lists = append(lists, r.tests)
			}
			if !allowed(dir, lists...) {
				t.Errorf("%s imports %s: %s may import of ours %v (tests also %v)", f.Path, dir, f.Dir, r.may, r.tests)
			}
		}
	}
	t.Logf("%d imports checked", checked)
}

func TestOneDriverOneRoom(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.Test || f.Dir == suites {
			continue
		}
		for _, path := range f.imports() {
			for _, d := range drivers {
				if (path == d.path || strings.HasPrefix(path, d.path+"/")) && !under(f.Dir, d.rooms...) {
					t.Errorf("%s imports %s, which lives in %v only", f.Path, path, d.rooms)
				}
			}
		}
	}
}

func TestTheDomainKnowsOnlyTheStandardLibrary(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.Test || f.Dir != domain && f.Dir != "internal/config" {
			continue
		}
		for _, path := range f.imports() {
			first, _, _ := strings.Cut(path, "/")
			if f.Dir == domain && strings.Contains(first, ".") {
				t.Errorf("%s imports %s, want the standard library only", f.Path, path)
			}
		}
		if f.Dir != domain {
			continue
		}
		for _, path := range f.imports() {
			switch path {
			case "net", "net/http", "os", "os/exec", "sync", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand":
				t.Errorf("%s imports %s: the domain has no I/O, no goroutine, no randomness", f.Path, path)
			}
		}
	}
}
