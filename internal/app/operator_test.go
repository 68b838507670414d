package app

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/wire"
)

// Who is disabled beside a running node has no socket and no session any more,
// although the two processes share nothing but the data folder.
func TestDisabledBesideARunningNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	ann, bob := s.signUp("ann"), s.signUp("bob")
	room := ann.direct(bob)
	device := bob.connect()
	bob.rest(http.MethodGet, "/api/v1/me", nil, http.StatusOK, nil)
	if code, _, problem := cli(t, "", "user", "disable", "bob", "--data-dir", dir); code != ExitOK {
		t.Fatalf("disable: got %d %s", code, problem)
	}
	device.wait(wire.EventSessionRevoked, 1)
	s.eventually("bob's session is refused", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url("/api/v1/me"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+bob.token)
		res, err := http.DefaultClient.Do(req)
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusUnauthorized
	})
	ann.connect().send(room, "1", "still here")
}

// Whoever only looks makes nothing.
func TestLookingMakesNoDataFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "nothing")
	for _, args := range [][]string{{"user", "list"}, {"user", "disable", "bob"}, {"user", "enable", "bob"}, {"user", "set-password", "bob"}} {
		code, _, problem := cli(t, "a long pass phrase\n", append(args, "--data-dir", dir)...)
		if code != ExitFailed || !strings.Contains(problem, "there is no store in") {
			t.Errorf("%v: got %d %q, want to be told that there is nothing", args, code, problem)
		}
	}
	code, found, problem := cli(t, "", "doctor", "--data-dir", dir)
	if code != ExitOK || strings.Count(found, "made at the first start") != 2 {
		t.Errorf("doctor: got %d %q %q", code, found, problem)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got a data folder, %v, want none", err)
	}
	if code, _, problem := cli(t, "a long pass phrase\n", "user", "add", "bob", "--data-dir", dir); code != ExitOK {
		t.Errorf("add: got %d %q, want the first account before the first start", code, problem)
	}
	if code, list, _ := cli(t, "", "user", "list", "--data-dir", dir); code != ExitOK || !strings.Contains(list, "bob") {
		t.Errorf("list: got %d %q", code, list)
	}
}
