// Package script runs the stories in testdata against the real binary, built with
// the race detector: what an operator types and what a person's program asks, with
// the answers they get.
package script

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// binary is the program under test: TEST_BINARY, or built here.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	binary = os.Getenv("TEST_BINARY")
	if binary == "" {
		dir, err := os.MkdirTemp("", "parley-stories-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary = filepath.Join(dir, "parley")
		build := exec.Command("go", "build", "-race", "-o", binary, "../../cmd/parley")
		build.Stdout, build.Stderr = os.Stdout, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build parley:", err)
			return 1
		}
	}
	return m.Run()
}

func TestStories(t *testing.T) {
	path, err := filepath.Abs(binary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			// The binary is called parley whatever its file is called.
			bin := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(bin, 0o700); err != nil {
				return fmt.Errorf("set up: %w", err)
			}
			if err := os.Symlink(path, filepath.Join(bin, "parley")); err != nil {
				return fmt.Errorf("set up: %w", err)
			}
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("PARLEY", path)
			// A race stops the program, so that the story fails.
			env.Setenv("GORACE", "halt_on_error=1")
			env.Values[storyKey{}] = newStory()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    cmdExits,
			"serve":    cmdServe,
			"stop":     cmdStop,
			"kill9":    cmdKill,
			"mode":     cmdMode,
			"signup":   cmdSignUp,
			"login":    cmdLogin,
			"api":      cmdAPI,
			"get":      cmdGet,
			"let":      cmdLet,
			"free":     cmdFree,
			"absent":   cmdAbsent,
			"listen":   cmdListen,
			"say":      cmdSay,
			"hears":    cmdHears,
			"fetch":    cmdFetch,
			"sentence": cmdSentence,
		},
	})
}

func TestNoStorySkips(t *testing.T) {
	stories, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(stories) < 10 {
		t.Errorf("got %d stories, want at least 10", len(stories))
	}
	for _, path := range stories {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "skip") || strings.HasPrefix(line, "[") {
				t.Errorf("%s: %q: a story has no conditions", path, strings.TrimSpace(line))
			}
		}
	}
}
