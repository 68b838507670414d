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
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/worker"
)

const (
	// logBound is how many commands may wait in the embedded log; more are refused.
	logBound = 1 << 16
	// busBound is how many events may wait in the embedded bus; more are dropped
	// and heads compared.
	busBound = 1 << 17
	// limiterKeys is how many people and addresses the embedded limiter remembers.
	limiterKeys = 100_000
)

// errSetting marks what is wrong with the configuration and not with a part.
var errSetting = errors.New("configuration")

// checkParts refuses engines that this build does not hold.
func checkParts(cfg *config.Config) error {
	for _, p := range []struct{ name, value, only string }{
		{"store", cfg.Store, "sqlite"}, {"log", cfg.Log, "memory"}, {"bus", cfg.Bus, "memory"},
	} {
		if err := checkPart(p.name, p.value, p.only); err != nil {
			return err
		}
	}
	return nil
}

func checkPart(name, value, only string) error {
	if value == only {
		return nil
	}
	scheme, _, _ := strings.Cut(value, ":")
	return fmt.Errorf("%w: --%s %s is not part of this build; use %s", errSetting, name, scheme, only)
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

const secretFile = "secret"

// openSecret gives the secret of the configuration, or the one in the data
// folder, which is made when it is not there.
func openSecret(cfg *config.Config) ([]byte, error) {
	if cfg.Secret != "" {
		return []byte(cfg.Secret), nil
	}
	path := filepath.Join(cfg.DataDir, secretFile)
	secret, err := os.ReadFile(path) //nolint:gosec // in the data folder
	if err == nil && len(secret) >= 32 {
		return secret, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	secret = []byte(rand.Text() + rand.Text())
	if err := writeDurably(path, secret); err != nil {
		return nil, fmt.Errorf("keep the secret: %w", err)
	}
	return secret, nil
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

func serviceLimits(cfg *config.Config) service.Limits {
	l := service.DefaultLimits()
	l.SendsPerSecond, l.SendBurst = cfg.SendRate, cfg.SendBurst
	l.LoginsPerMinute, l.SignupsPerHour = cfg.LoginRate, cfg.SignupRate
	l.FileBytes, l.QuotaBytes = int64(cfg.FileSize), int64(cfg.FileQuota)
	return l
}

// periodic is what is due every so often.
func (a *App) periodic() []worker.Periodic {
	return []worker.Periodic{
		{Name: "give memory back", Every: reclaimEvery, Logger: a.logger, Do: newReclaimer().look},
		{Name: "expire pending commands", Every: 100 * time.Millisecond, Logger: a.logger, Do: func(context.Context) error {
			a.service.ExpirePending(time.Now())
			return nil
		}},
		{Name: "delete expired sessions", Every: time.Hour, Logger: a.logger, Do: func(ctx context.Context) error {
			_, err := a.service.SweepSessions(ctx)
			return err //nolint:wrapcheck // the worker names the work
		}},
		{Name: "delete orphaned files", Every: time.Hour, Logger: a.logger, Do: func(ctx context.Context) error {
			_, err := a.service.SweepFiles(ctx, chat.TimeOf(time.Now().Add(-orphanAge)))
			return err //nolint:wrapcheck // the worker names the work
		}},
	}
}

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
