package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/worker"
)

// errSetting marks what is wrong with the configuration and not with a part.
var errSetting = errors.New("configuration")

// openStore opens what is remembered. Shared is for the operator's commands, which
// work beside nodes that serve.
func openStore(ctx context.Context, cfg *config.Config, shared bool) (*sqlstore.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	var store *sqlstore.Store
	var err error
	if cfg.Store == "sqlite" {
		store, err = sqlstore.Open(ctx, cfg.DataDir, sqlstore.Options{Shared: shared})
	} else {
		store, err = sqlstore.OpenPostgres(ctx, cfg.Store, sqlstore.PostgresOptions{Shared: shared, Alone: !many(cfg)})
	}
	if errors.Is(err, sqlstore.ErrInUse) && cfg.Store != "sqlite" {
		return nil, errAlone(cfg, "database")
	}
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return store, nil
}

// begun reports whether the store is there, so that whoever only looks makes none.
func begun(cfg *config.Config) bool {
	if cfg.Store != "sqlite" {
		return true
	}
	_, err := os.Stat(filepath.Join(cfg.DataDir, sqlstore.File))
	return !errors.Is(err, fs.ErrNotExist)
}

const blobFolder = "blobs"

// openBlobs opens the store of files.
func openBlobs(ctx context.Context, cfg *config.Config, logger *slog.Logger) (*blob.Store, error) {
	store, err := blob.Open(ctx, blob.Options{
		URL: cfg.Blobs, Dir: filepath.Join(cfg.DataDir, blobFolder), ImagePixels: cfg.ImagePixels, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("open the store of files: %w", err)
	}
	return store, nil
}

const (
	// secretFile holds what invitations are signed with, where no setting says it.
	secretFile = "secret"
	// aloneFile tells a node from others on the same log across restarts, where it
	// must be the only one.
	aloneFile = "alone"
)

// openSecret gives the secret of the configuration, or the one in the data folder.
func openSecret(cfg *config.Config) ([]byte, error) {
	if cfg.Secret != "" {
		return []byte(cfg.Secret), nil
	}
	text, err := kept(cfg, secretFile)
	return []byte(text), err
}

// kept gives a random word that is kept in a file of the data folder, and made when
// it is not there.
func kept(cfg *config.Config, file string) (string, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(cfg.DataDir, file)
	text, err := os.ReadFile(path) //nolint:gosec // in the data folder
	if err == nil && len(text) >= 32 {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the %s: %w", file, err)
	}
	text = []byte(rand.Text() + rand.Text())
	if err := writeDurably(path, text); err != nil {
		return "", fmt.Errorf("keep the %s: %w", file, err)
	}
	return string(text), nil
}

// writeDurably writes a file that is there whole or not at all.
func writeDurably(path string, data []byte) error {
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // in the data folder
	if err != nil {
		return err //nolint:wrapcheck // names the file
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(next, path) //nolint:wrapcheck // names the files
}

const (
	// sessionStale is how long a node knows people while the store is out of reach.
	sessionStale = 10 * time.Minute
	// clusterSessions is how many people a node of a cluster knows.
	clusterSessions = 50_000
)

func serviceLimits(cfg *config.Config) service.Limits {
	l := service.DefaultLimits()
	l.SendsPerSecond, l.SendBurst = cfg.SendRate, cfg.SendBurst
	l.LoginsPerMinute, l.SignupsPerHour = cfg.LoginRate, cfg.SignupRate
	l.FileBytes, l.QuotaBytes = int64(cfg.FileSize), int64(cfg.FileQuota)
	if cfg.Log != "memory" { // delivery goes on without the store, for those who are known
		l.SessionStale, l.CachedSessions = sessionStale, clusterSessions
	}
	return l
}

// periodic is what is due every so often.
func (a *App) periodic() []worker.Periodic {
	return []worker.Periodic{
		{Name: "give memory back", Every: reclaimEvery, Logger: a.logger, Do: newReclaimer().look},
		{Name: "expire pending commands", Every: 100 * time.Millisecond, Logger: a.logger, Do: func(context.Context) error {
			a.service.ExpirePending(wallClock())
			return nil
		}},
		{Name: "ask the store for answers", Every: 150 * time.Millisecond, Logger: a.logger, Do: func(ctx context.Context) error {
			after := recoverAfter
			if a.carriers.whole() {
				after = recoverAfterAll // it may be the owner's node that lacks the bus
			}
			_, err := a.service.Recover(ctx, a.store, after)
			return err //nolint:wrapcheck // the worker names the work
		}},
		{Name: "delete expired sessions", Every: time.Hour, Logger: a.logger, Do: func(ctx context.Context) error {
			_, err := a.service.SweepSessions(ctx)
			return err //nolint:wrapcheck // the worker names the work
		}},
		{Name: "delete dead invitations", Every: time.Hour, Logger: a.logger, Do: func(ctx context.Context) error {
			_, err := a.service.SweepInvites(ctx)
			return err //nolint:wrapcheck // the worker names the work
		}},
		{Name: "delete orphaned files", Every: time.Hour, Logger: a.logger, Do: func(ctx context.Context) error {
			_, err := a.service.SweepFiles(ctx, chat.TimeOf(wallClock().Add(-orphanAge)))
			return err //nolint:wrapcheck // the worker names the work
		}},
	}
}

// recoverAfter is how long a message waits for its owner's answer before the store is
// asked for it, where the bus is known not to bring everything, and recoverAfterAll
// where it seems to.
const (
	recoverAfter    = 150 * time.Millisecond
	recoverAfterAll = time.Second
)

// orphanAge is how long an upload may wait to be named in a message.
const orphanAge = 7 * 24 * time.Hour

// sink is the node's ear on the bus.
type sink struct {
	service *service.Service
	gateway *gateway.Gateway
}

// Deliver implements chat.Sink. The service is told first: what it remembers of
// a revoked session is forgotten before the socket is disconnected and comes back.
func (s *sink) Deliver(events []chat.Event) {
	s.service.Deliver(events)
	s.gateway.Deliver(events)
}

// Outcomes implements chat.Sink.
func (s *sink) Outcomes(outcomes []chat.Outcome) { s.service.Outcomes(outcomes) }

// Resync implements chat.Sink.
func (s *sink) Resync() {
	s.service.Resync()
	s.gateway.Resync()
}
