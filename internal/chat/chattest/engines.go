package chattest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Engines finds the real engines that suites run against: a broker, a Redis, a
// database. Their addresses are in the environment (`make test` puts them there);
// one that is not is started by scripts/services when it is first asked for.
//
//	var engines chattest.Engines
//
//	func TestMain(m *testing.M) { os.Exit(engines.Around(m)) }
//
// The zero value is ready. Safe for concurrent use.
type Engines struct {
	mu      sync.Mutex
	found   map[string]string // addresses by variable
	started []string          // processes that were not running before
}

var exported = regexp.MustCompile(`(?m)^export (\w+)='(.*)'$`)

// Address gives the address that a variable holds, of a part as scripts/services
// names it. The test fails if there is none and it cannot be started.
func (e *Engines) Address(t testing.TB, variable, part string) string {
	t.Helper()
	if address := os.Getenv(variable); address != "" {
		return address
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.found[variable] == "" {
		e.start(t, part)
	}
	address := e.found[variable]
	if address == "" {
		t.Fatalf("scripts/services start %s gave no %s", part, variable)
	}
	return address
}

func (e *Engines) start(t testing.TB, part string) {
	t.Helper()
	script, err := servicesScript()
	if err != nil {
		t.Fatalf("find scripts/services: %v", err)
	}
	before := running(script)
	out, err := exec.Command(script, "start", part).Output()
	for name := range running(script) {
		if !before[name] {
			e.started = append(e.started, name)
		}
	}
	if err != nil {
		t.Fatalf("scripts/services start %s: %v\n%s", part, err, stderr(err))
	}
	if e.found == nil {
		e.found = make(map[string]string)
	}
	for _, m := range exported.FindAllStringSubmatch(string(out), -1) {
		e.found[m[1]] = m[2]
	}
}

// Around runs the tests of a package and then stops the engines that they started.
func (e *Engines) Around(m *testing.M) int {
	code := m.Run()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.started) == 0 {
		return code
	}
	script, err := servicesScript()
	if err == nil {
		err = exec.Command(script, append([]string{"stop"}, e.started...)...).Run()
	}
	if err != nil && code == 0 {
		code = 1
	}
	return code
}

// running lists the processes that scripts/services keeps.
func running(script string) map[string]bool {
	out, err := exec.Command(script, "status").Output()
	names := make(map[string]bool)
	if err != nil {
		return names
	}
	for line := range strings.Lines(string(out)) {
		if name, state, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(state, "up") {
			names[name] = true
		}
	}
	return names
}

func stderr(err error) string {
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output does not wrap it
		return string(exit.Stderr)
	}
	return ""
}

// servicesScript finds scripts/services from a package's folder.
func servicesScript() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		script := filepath.Join(dir, "scripts", "services")
		_, err := os.Stat(script)
		if err == nil {
			return script, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", err
	}
}
