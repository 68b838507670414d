package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/bench"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// seeding is how many people are made at a time, and so how many connections to the
// database that takes.
const seeding = 16

// seed makes people who are logged in and have no password, and the conversations of
// their circles, by the program's own rules but not over the network.
func seed(ctx context.Context, flags []string, p bench.Population) (_ []bench.Session, err error) {
	cfg, _, err := config.Load(config.Source{Args: flags, Output: io.Discard})
	if err != nil {
		return nil, fmt.Errorf("configure: %w", err)
	}
	op, err := openSeeder(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	run := strings.ToLower(rand.Text()[:8]) // a database may hold the people of runs before
	sessions := make([]bench.Session, p.People)
	ids := make([]chat.UserID, p.People)
	err = atOnce(ctx, p.People, func(ctx context.Context, i int) (err error) {
		ids[i], sessions[i], err = seedPerson(ctx, op, fmt.Sprintf("person.%s.%d", run, i))
		return err
	})
	if err == nil && p.Circle > 1 {
		err = seedCircles(ctx, op.store, "bench-"+run, ids, p.Circle)
	}
	return sessions, err
}

func openSeeder(ctx context.Context, cfg *config.Config) (*operator, error) {
	if err := checkSettings(cfg); err != nil {
		return nil, err
	}
	if cfg.Store == "sqlite" {
		return openOperator(ctx, cfg, IO{})
	}
	store, err := sqlstore.OpenPostgres(ctx, cfg.Store, sqlstore.PostgresOptions{Shared: true, Conns: seeding, BatchConns: 2})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return newOperator(ctx, cfg, IO{}, store)
}

// atOnce calls f for 0 to n-1, some at a time, until one fails.
func atOnce(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range seeding {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx) //nolint:wrapcheck // what f returned
}

func seedPerson(ctx context.Context, op *operator, name string) (id chat.UserID, s bench.Session, err error) {
	now := time.Now()
	if id, err = freshID[chat.UserID](now); err != nil {
		return id, s, err
	}
	account := &chat.Account{
		User:   chat.User{ID: id, Username: name, DisplayName: name, CreatedAt: chat.TimeOf(now)},
		Folded: name, Settings: []byte(`{}`),
	}
	if err := op.store.CreateAccount(ctx, account); err != nil {
		return id, s, fmt.Errorf("make person: %w", err)
	}
	token, err := op.service.OpenSession(ctx, id, service.Client{UserAgent: "parley bench"})
	if err != nil {
		return id, s, fmt.Errorf("log person in: %w", err)
	}
	return id, bench.Session{UserID: id.String(), Token: token}, nil
}

func freshID[ID ~[16]byte](now time.Time) (ID, error) {
	var random [10]byte
	if _, err := rand.Read(random[:]); err != nil {
		return ID{}, fmt.Errorf("read randomness: %w", err)
	}
	return ID(chat.NewID[struct{}](now, random)), nil
}

// seedCircles splits people into circles, and gives each circle as many groups as it
// has people: an owner of a log of its own decides and commits them, many at a time.
func seedCircles(ctx context.Context, store *sqlstore.Store, name string, people []chat.UserID, circle int) error {
	ctx, cancel := context.WithCancel(ctx)
	log, bus := inproc.NewLog(name, len(people)+1), inproc.NewBus(1, len(people)+1)
	made := &counter{wanted: len(people), done: make(chan error, 1)}
	bus.Attach("", made)
	owner := sequencer.New(store, bus, sequencer.Options{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- log.Own(ctx, owner.Own) }()
	err := appendGroups(ctx, log, people, circle)
	if err == nil {
		select {
		case err = <-made.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	cancel()
	if err = errors.Join(err, <-ended, bus.Close()); err != nil {
		return fmt.Errorf("make conversations: %w", err)
	}
	return nil
}

func appendGroups(ctx context.Context, log *inproc.Log, people []chat.UserID, circle int) error {
	title := "bench"
	for i, person := range people {
		now := time.Now()
		id, err := freshID[chat.ConversationID](now)
		if err != nil {
			return err
		}
		record, err := freshID[chat.RecordID](now)
		if err != nil {
			return err
		}
		from := i / circle * circle
		var others []chat.UserID
		for j := from; j < min(from+circle, len(people)); j++ {
			if j != i {
				others = append(others, people[j])
			}
		}
		if err := log.Append(ctx, &chat.Record{ID: record, Rules: chat.RulesVersion, Command: chat.Command{
			Kind: chat.CmdCreate, ConversationID: id, ActorID: person, At: chat.TimeOf(now),
			ConversationKind: chat.Group, Title: &title, UserIDs: others,
		}}); err != nil {
			return err //nolint:wrapcheck // seedCircles names the verb
		}
	}
	return nil
}

// counter is a sink that waits for a number of outcomes.
type counter struct {
	deaf
	done   chan error
	wanted int
	failed error
}

// Outcomes implements chat.Sink.
func (c *counter) Outcomes(outcomes []chat.Outcome) {
	for i := range outcomes {
		if err := outcomes[i].Err; err != nil && c.failed == nil {
			c.failed = err
		}
	}
	if c.wanted -= len(outcomes); c.wanted == 0 {
		c.done <- c.failed
	}
}
