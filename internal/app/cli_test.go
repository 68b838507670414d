package app

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cli runs the program as main does.
func cli(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Main(t.Context(), IO{Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

func TestExitCodesAndOneClearSentence(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := busy.Close(); err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	closed := closedAddress(t)
	cluster := []string{"--store", "postgres://u:hunter22@db/x", "--log", "kafka://h", "--bus", "redis://h"}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"serve", "--adr", ":1"}, ExitUsage, "did you mean addr?"},
		{"unknown flag without a command", []string{"--adr", ":1"}, ExitUsage, "did you mean addr?"},
		{"unknown command", []string{"sevre"}, ExitUsage, `no command "sevre"`},
		{"extra word", []string{"serve", "now"}, ExitUsage, `"now" is not understood`},
		{"engine of another build", []string{"serve", "--data-dir", dir, "--store", "mongodb://u:hunter22@db/x"}, ExitUsage, "--store mongodb is not part of this build"},
		{"log of a wrong form", []string{"serve", "--data-dir", dir, "--log", "kafka://u:hunter22@h/t?sasl=md5"}, ExitUsage, "log: sasl must be"},
		{"bus of a wrong form", []string{"serve", "--data-dir", dir, "--bus", "redis://u:hunter22@h?x=1"}, ExitUsage, `bus: unknown option "x"`},
		{"cluster without a secret", append([]string{"serve", "--data-dir", dir}, cluster...), ExitUsage, "need the same --secret"},
		{"cluster without files", append([]string{"serve", "--data-dir", dir, "--secret", strings.Repeat("s", 32)}, cluster...), ExitUsage, "need the same --blobs"},
		{"bus out of reach", []string{"serve", "--data-dir", dir, "--addr", "127.0.0.1:0", "--bus", "redis://:hunter22@" + closed}, ExitFailed, "open the bus: "},
		{"files in a relative folder", []string{"serve", "--data-dir", dir, "--blobs", "file://blobs"}, ExitFailed, "file:///folder"},
		{"port in use", []string{"serve", "--data-dir", dir, "--addr", busy.Addr().String()}, ExitFailed, "listen on " + busy.Addr().String()},
		{"data folder is a file", []string{"serve", "--data-dir", file}, ExitFailed, "open the store"},
		{"user without a verb", []string{"user"}, ExitUsage, "user needs one of"},
		{"user with a wrong verb", []string{"user", "delete", "x"}, ExitUsage, `user has no "delete"`},
		{"user add without a name", []string{"user", "add", "--data-dir", dir}, ExitUsage, "usage:"},
		{"password on the command line", []string{"user", "add", "x", "secret", "--data-dir", dir}, ExitUsage, "usage:"},
		{"user add without a password", []string{"user", "add", "x", "--data-dir", dir}, ExitUsage, "standard input"},
		{"unknown user", []string{"user", "disable", "nobody", "--data-dir", dir}, ExitFailed, "There is no account named nobody."},
		{"version with arguments", []string{"version", "x"}, ExitUsage, "no arguments"},
		{"migrate with arguments", []string{"migrate", "x"}, ExitUsage, "not understood"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := cli(t, "", c.args...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			last := lines[len(lines)-1]
			if code != c.code || !strings.Contains(last, c.want) || !strings.HasPrefix(last, "parley: ") {
				t.Errorf("got %d %q, want %d and a sentence with %q", code, stderr, c.code, c.want)
			}
			if strings.Contains(stderr, "hunter22") {
				t.Errorf("got %q, want no secret", stderr)
			}
		})
	}
}

// closedAddress is one at which nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"serve", "--help"}, {"--help"}, {"version"}} {
		code, stdout, stderr := cli(t, "", args...)
		if code != ExitOK || stdout == "" || stderr != "" {
			t.Errorf("%v: got %d %q %q", args, code, stdout, stderr)
		}
	}
	more := Command{Name: "extra", Summary: "from elsewhere", Run: func(context.Context, IO) error { return errors.New("two\nlines") }}
	var out, errs strings.Builder
	if code := Main(t.Context(), IO{Args: []string{"extra"}, Stdout: &out, Stderr: &errs}, more); code != ExitFailed || errs.String() != "parley: two lines\n" {
		t.Errorf("got %d %q", code, errs.String())
	}
	if Main(t.Context(), IO{Args: []string{"help"}, Stdout: &out, Stderr: &errs}, more) != ExitOK || !strings.Contains(out.String(), "from elsewhere") {
		t.Errorf("got %q, want further commands named", out.String())
	}
}

func TestOperatorsBesideARunningNode(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	alice := s.signUp("alice")
	data := []string{"--data-dir", dir}
	run := func(want int, stdin string, args ...string) string {
		t.Helper()
		code, stdout, stderr := cli(t, stdin, append(args, data...)...)
		if code != want {
			t.Errorf("%v: got %d %q, want %d", args, code, stderr, want)
		}
		return stdout
	}
	run(ExitOK, "another long pass phrase\n", "user", "add", "bob")
	run(ExitFailed, "another long pass phrase\n", "user", "add", "bob")
	run(ExitFailed, "short\n", "user", "add", "carol")
	s.rest("", "POST", "/api/v1/auth/login", map[string]string{"username": "bob", "password": "another long pass phrase"}, 200, nil)
	run(ExitOK, "a new long pass phrase\n", "user", "set-password", "bob")
	s.rest("", "POST", "/api/v1/auth/login", map[string]string{"username": "bob", "password": "another long pass phrase"}, 401, nil)
	s.rest("", "POST", "/api/v1/auth/login", map[string]string{"username": "bob", "password": "a new long pass phrase"}, 200, nil)
	run(ExitOK, "", "user", "disable", "bob")
	s.rest("", "POST", "/api/v1/auth/login", map[string]string{"username": "bob", "password": "a new long pass phrase"}, 401, nil)
	list := run(ExitOK, "", "user", "list")
	if !strings.Contains(list, "alice") || !strings.Contains(list, "disabled") || strings.Contains(list, "secret.example") {
		t.Errorf("got %q, want both people and no address", list)
	}
	run(ExitOK, "", "user", "enable", "bob")
	s.rest("", "POST", "/api/v1/auth/login", map[string]string{"username": "bob", "password": "a new long pass phrase"}, 200, nil)
	if code := run(ExitOK, "", "user", "invite"); len(strings.TrimSpace(code)) < 20 {
		t.Errorf("got the invitation %q", code)
	}
	found := run(ExitOK, "", "doctor")
	if strings.Count(found, "ok  ") != 6 {
		t.Errorf("got %q, want six parts to be well", found)
	}
	run(ExitFailed, "", "migrate") // in use
	run(ExitFailed, "", "serve", "--addr", "127.0.0.1:0")
	alice.connect()
	s.stop()
	if out := run(ExitOK, "", "migrate"); !strings.Contains(out, "up to date") {
		t.Errorf("got %q", out)
	}
}

func TestDoctorNamesWhatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := cli(t, "", "doctor", "--data-dir", file, "--bus", "redis://"+closedAddress(t))
	if !strings.Contains(stdout, "FAIL  bus") || !strings.Contains(stdout, "ok    log") {
		t.Errorf("got %q, want the bus to fail and the log to be well", stdout)
	}
	if code != ExitFailed || strings.Count(stdout, "FAIL") < 2 || strings.Count(stdout, "\n") != 6 || !strings.Contains(stderr, "failed") {
		t.Errorf("got %d %q %q, want one line for each part and exit 1", code, stdout, stderr)
	}
}

func TestDataFolderIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	s.signUp("alice")
	s.stop()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, want it private", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
