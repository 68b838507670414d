package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/parley-chat/parley/bench"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/service"
)

// measure starts this very program on empty data and puts load on it.
func measure(ctx context.Context, io IO) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	err = bench.Run(ctx, io.Args, binary, seed, io.Stdout)
	if errors.Is(err, bench.ErrUsage) {
		return &UsageError{err}
	}
	return err //nolint:wrapcheck // says what was measured
}

// seed makes people who are logged in and have no password.
func seed(ctx context.Context, flags []string, people int) (_ []bench.Session, err error) {
	cfg, _, err := config.Load(config.Source{Args: flags, Output: io.Discard})
	if err != nil {
		return nil, fmt.Errorf("configure: %w", err)
	}
	op, err := openOperator(ctx, cfg, IO{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	run := strings.ToLower(rand.Text()[:8]) // a database may hold the people of runs before
	sessions := make([]bench.Session, people)
	for i := range sessions {
		now := time.Now()
		var random [10]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, fmt.Errorf("read randomness: %w", err)
		}
		name := fmt.Sprintf("person.%s.%d", run, i)
		account := &chat.Account{
			User:   chat.User{ID: chat.UserID(chat.NewID[struct{}](now, random)), Username: name, DisplayName: name, CreatedAt: chat.TimeOf(now)},
			Folded: name, Settings: []byte(`{}`),
		}
		if err := op.store.CreateAccount(ctx, account); err != nil {
			return nil, fmt.Errorf("make person: %w", err)
		}
		token, err := op.service.OpenSession(ctx, account.ID, service.Client{UserAgent: "parley bench"})
		if err != nil {
			return nil, fmt.Errorf("log person in: %w", err)
		}
		sessions[i] = bench.Session{UserID: account.ID.String(), Token: token}
	}
	return sessions, nil
}
