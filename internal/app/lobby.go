package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/api"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// lobby answers at the node's address until the node can: that the process lives, and
// that it is not ready. So whoever looks after it can tell a node that waits for a part
// from one that is dead.
type lobby struct {
	server  *http.Server
	lent    *lent
	running sync.WaitGroup
	absent  atomic.Pointer[string] // the part that the node waits for
}

// openLobby serves on a listener until close, which leaves the listener open.
func openLobby(l *net.TCPListener, logger *slog.Logger) *lobby {
	b := &lobby{lent: &lent{l}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]any{"status": "ok"}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		parts := map[string]string{"node": "unavailable"}
		if part := b.absent.Load(); part != nil {
			parts[*part] = "unavailable"
		}
		answer(w, http.StatusServiceUnavailable, map[string]any{"status": "unavailable", "parts": parts})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusServiceUnavailable, api.Problem{
			Type: "about:blank", Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable,
			Detail: errNotServing.Message, Code: errNotServing.Code, RetryAfterMS: lobbyRetry.Milliseconds(),
		})
	})
	b.server = api.Server(mux, logger)
	b.running.Go(func() {
		if err := served(b.server.Serve(b.lent)); err != nil {
			logger.Warn("nobody answers while the node starts", "error", err)
		}
	})
	return b
}

// lobbyRetry is when whoever was turned away may come back.
const lobbyRetry = 2 * time.Second

func answer(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "application/json; charset=utf-8")
	if _, problem := body.(api.Problem); problem {
		h.Set("Content-Type", "application/problem+json")
	}
	if status != http.StatusOK {
		h.Set("Retry-After", fmt.Sprint(int(lobbyRetry.Seconds())))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked may have gone
}

// close ends the lobby; its listener can be served by others then.
func (b *lobby) close() error {
	err := b.server.Close()
	b.running.Wait()
	return errors.Join(err, b.lent.SetDeadline(time.Time{}))
}

// lent is a listener whose borrower can end only its own accepting.
type lent struct{ *net.TCPListener }

// Close implements net.Listener.
func (l *lent) Close() error { return l.SetDeadline(time.Unix(1, 0)) }

// storePause is the time between two tries to reach the database at the start.
const storePause = time.Second

// awaitStore opens the store. Without it nobody can be served, not even those whom
// other nodes know. A node of a cluster whose database cannot be reached waits for it
// for a while, for to end and be started again would bring it no sooner.
func (a *App) awaitStore(ctx context.Context, lobby *lobby) (*sqlstore.Store, error) {
	store, err := openStore(ctx, a.cfg, false)
	if !a.worthWaiting(err) {
		return store, err
	}
	a.logger.Warn("the store cannot be reached: this node waits for it, and serves nobody meanwhile", "for", a.cfg.StartPatience.String(), "error", sentence(err))
	part := "store"
	lobby.absent.Store(&part)
	defer lobby.absent.Store(nil)
	late := time.NewTimer(a.cfg.StartPatience)
	defer late.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-late.C:
			return nil, err
		case <-time.After(min(storePause, a.cfg.StartPatience)):
		}
		if store, err = openStore(ctx, a.cfg, false); !a.worthWaiting(err) {
			return store, err
		}
	}
}

func (a *App) worthWaiting(err error) bool {
	return err != nil && errors.Is(err, chat.ErrUnavailable) && many(a.cfg) && a.cfg.StartPatience > 0
}
