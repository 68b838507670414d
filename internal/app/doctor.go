package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/kafka"
	"github.com/parley-chat/parley/internal/redis"
)

// doctor checks the configuration and reaches every part, one line each.
func doctor(ctx context.Context, io IO) error {
	cfg, err := load(io)
	if err != nil {
		return err
	}
	failed := 0
	check := func(part string, do func() (string, error)) error {
		found, err := do()
		state := "ok  "
		if err != nil {
			failed++
			state, found = "FAIL", sentence(err)
		}
		_, err = fmt.Fprintf(io.Stdout, "%s  %-13s  %s\n", state, part, found)
		return err //nolint:wrapcheck // of the output
	}
	return errors.Join(
		check("configuration", func() (string, error) { return shape(cfg), checkSettings(cfg) }),
		check("store", func() (string, error) { return checkStore(ctx, cfg) }),
		check("files", func() (string, error) { return checkBlobs(ctx, cfg) }),
		check("log", func() (string, error) { return checkLog(ctx, cfg) }),
		check("bus", func() (string, error) { return checkBus(ctx, cfg) }),
		check("calls", func() (string, error) { return checkRelay(cfg), nil }),
		func() error {
			if failed > 0 {
				return fmt.Errorf("%d of the parts above failed", failed)
			}
			return nil
		}(),
	)
}

// shape says whether there can be further nodes, and what others on the way could read.
func shape(cfg *config.Config) string {
	text := "one of any number of nodes"
	if !many(cfg) {
		text = "the only node, for " + strings.Join(ownParts(cfg), ", ")
	}
	if plain := inTheClear(cfg); len(plain) > 0 {
		text += "; reached over a network without TLS: " + strings.Join(plain, ", ")
	}
	return text
}

// doctorTimeout is how long a part has to answer.
const doctorTimeout = 10 * time.Second

func checkStore(ctx context.Context, cfg *config.Config) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	if !begun(cfg) {
		return "SQLite in " + cfg.DataDir + ", made at the first start", nil
	}
	store, err := openStore(ctx, cfg, true)
	if err != nil {
		return "", err
	}
	found := "SQLite in " + cfg.DataDir
	if cfg.Store != "sqlite" {
		found = "PostgreSQL"
	}
	return found, errors.Join(store.Ping(ctx), store.Close())
}

func checkBlobs(ctx context.Context, cfg *config.Config) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	if cfg.Blobs == "" && !begun(cfg) {
		return "a folder in " + filepath.Clean(cfg.DataDir) + ", made at the first start", nil
	}
	blobs, err := openBlobs(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	found := "reached"
	if cfg.Blobs == "" {
		found = "a folder in " + filepath.Clean(cfg.DataDir)
	}
	return found, errors.Join(blobs.Ping(ctx), blobs.Close())
}

func checkLog(ctx context.Context, cfg *config.Config) (string, error) {
	if cfg.Log == "memory" {
		return "in this process", nil
	}
	at, err := kafka.ParseURL(cfg.Log)
	if err != nil {
		return "", err //nolint:wrapcheck // names the part
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	return kafka.Reach(ctx, at) //nolint:wrapcheck // names the part
}

func checkBus(ctx context.Context, cfg *config.Config) (string, error) {
	if cfg.Bus == "memory" {
		return "in this process", nil
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	client, err := openRedis(ctx, cfg, redis.Open)
	if err != nil {
		return "", err
	}
	defer client.Close()
	found := "Redis"
	if client.Cluster() {
		found = "a Redis Cluster"
	}
	return found, client.Ping(ctx) //nolint:wrapcheck // names the part
}
