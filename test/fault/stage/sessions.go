package stage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	hogName    = "parley fault hog"
	hogsAtOnce = 8
	hogPause   = 20 * time.Millisecond
	// tooManySessions is PostgreSQL's too_many_connections (its manual, appendix A).
	tooManySessions = "53300"
)

// hogs are sessions that somebody holds and does nothing with. It is safe for concurrent use.
type hogs struct {
	mu   sync.Mutex
	held []*pgconn.PgConn
}

// TakeSessions takes every session that the database has left, ends the nodes' own, so
// that they need new ones, and goes on taking what gets free until the time is over.
// release gives all of them back; there is something to release after an error, too.
func (e *Engines) TakeSessions(ctx context.Context, d time.Duration) (taken int, release func(context.Context) error, err error) {
	h := &hogs{}
	release = h.release
	if err := h.fill(ctx, e.postgres.String()); err != nil {
		return len(h.held), release, fmt.Errorf("take the database's sessions: %w", err)
	}
	if len(h.held) == 0 {
		return 0, release, errors.New("take the database's sessions: none was left")
	}
	// Through a session that is there: no other can be had.
	result := h.held[0].ExecParams(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and application_name <> $1",
		[][]byte{[]byte(hogName)}, nil, nil, nil).Read()
	if result.Err != nil {
		return len(h.held), release, fmt.Errorf("end the nodes' sessions: %w", result.Err)
	}
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; {
		if err := h.fill(ctx, e.postgres.String()); err != nil {
			return len(h.held), release, fmt.Errorf("take the database's sessions: %w", err)
		}
		wait(ctx, hogPause)
	}
	return len(h.held), release, nil
}

// fill takes sessions until one is refused.
func (h *hogs) fill(ctx context.Context, address string) error {
	config, err := pgconn.ParseConfig(address)
	if err != nil {
		return err //nolint:wrapcheck // the caller says of what
	}
	config.RuntimeParams["application_name"] = hogName
	errs := make([]error, hogsAtOnce)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for errs[i] == nil {
				errs[i] = h.take(ctx, config)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != tooManySessions {
			return err
		}
	}
	return nil
}

func (h *hogs) take(ctx context.Context, config *pgconn.Config) error {
	c, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return err //nolint:wrapcheck // the caller says of what
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = append(h.held, c)
	return nil
}

func (h *hogs) release(ctx context.Context) error {
	var errs []error
	for _, c := range h.held {
		errs = append(errs, c.Close(ctx))
	}
	h.held = nil
	return errors.Join(errs...)
}
