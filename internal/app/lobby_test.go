package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
)

// homeless gives the configuration of a node of a cluster whose parts are all away.
func homeless(t *testing.T, args ...string) *config.Config {
	t.Helper()
	cfg, _, err := config.Load(config.Source{Args: append([]string{
		"--addr", "127.0.0.1:0", "--data-dir", t.TempDir(), "--store", "postgres://parley:s3cret@127.0.0.1:1/parley", "--log", "kafka://127.0.0.1:1",
		"--bus", "redis://127.0.0.1:1", "--blobs", "file://" + t.TempDir(), "--secret", strings.Repeat("s", 32),
	}, args...)})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A node whose database does not come gives up, and says in one sentence what it lacks.
func TestTheWaitForTheStoreEnds(t *testing.T) {
	for _, patience := range []string{"0s", "50ms"} {
		a, err := Open(context.Background(), homeless(t, "--start-patience", patience), slog.New(slog.DiscardHandler))
		if err == nil {
			_ = a.Close()
			t.Fatal("got a node without a store")
		}
		if text := sentence(err); !errors.Is(err, chat.ErrUnavailable) || strings.Contains(text, "s3cret") ||
			!strings.HasPrefix(text, "open the store: reach PostgreSQL: ") || strings.Count(text, "refused") != 1 {
			t.Errorf("%s: got %q, want one line about the store", patience, text)
		}
	}
}

// A node that waits for its database says so to whoever asks, and can be stopped.
func TestTheLobby(t *testing.T) {
	logs := new(logBuffer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, ok := l.(*net.TCPListener)
	if !ok {
		t.Fatalf("got %T", l)
	}
	defer func() { _ = l.Close() }()
	logger := slog.New(slog.NewTextHandler(logs, nil))
	a := &App{cfg: homeless(t), logger: logger}
	lobby := openLobby(listener, logger)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := make(chan error, 1)
	go func() {
		_, err := a.awaitStore(ctx, lobby)
		opened <- err
	}()
	for end := time.Now().Add(patience); lobby.absent.Load() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the node does not wait")
		}
	}
	for path, want := range map[string]struct {
		status int
		kind   string
		body   string
	}{
		"/healthz":         {200, "application/json; charset=utf-8", `{"status":"ok"}`},
		"/readyz":          {503, "application/json; charset=utf-8", `{"parts":{"node":"unavailable","store":"unavailable"},"status":"unavailable"}`},
		"/api/v1/sessions": {503, "application/problem+json", ""},
	} {
		res, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != want.status || res.Header.Get("Content-Type") != want.kind || (want.status != 200) != (res.Header.Get("Retry-After") == "2") {
			t.Errorf("%s: got %d %v", path, res.StatusCode, res.Header)
		}
		if got := strings.TrimSpace(string(body)); want.body != "" && got != want.body {
			t.Errorf("%s: got %s, want %s", path, got, want.body)
		}
		var problem struct{ Code chat.Code }
		if err := json.Unmarshal(body, &problem); err != nil || want.body == "" && problem.Code != chat.CodeUnavailable {
			t.Errorf("%s: got %s, %v; want a problem", path, body, err)
		}
	}
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was stopped", err)
	}
	if err := lobby.close(); err != nil {
		t.Error(err)
	}
	if got := strings.Count(logs.String(), "\n"); got != 1 || strings.Contains(logs.String(), "s3cret") {
		t.Errorf("got %s, want one line without the password", logs.String())
	}
	// The listener is free for the node itself.
	again := openLobby(listener, logger)
	res, err := http.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v; want the listener to be of use", res, err)
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}
