package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	berthEvery = 5 * time.Second
	// unlockTimeout bounds the giving up of a place, which the server need not answer.
	unlockTimeout = time.Second
	berthKey      = "hashtextextended('parley nodes ' || current_schema(), 0)"
)

// berth is what a node holds in the database so that others know of it: a lock that
// nodes which may have company share, and that one which may not has for itself. It ends
// with its connection. One goroutine at a time uses it.
type berth struct {
	config *pgx.ConnConfig
	take   string
	conn   *pgx.Conn
	// patience is how long the server may take.
	patience time.Duration
}

func newBerth(base *pgxpool.Config, o PostgresOptions) *berth {
	p := &berth{config: base.ConnConfig.Copy(), take: "SELECT pg_try_advisory_lock_shared(" + berthKey + ")", patience: o.Patience}
	if o.Alone {
		p.take = "SELECT pg_try_advisory_lock(" + berthKey + ")"
	}
	p.config.RuntimeParams["application_name"] = "parley"
	return p
}

// hold sees to it that the place is held. It gives ErrInUse when others hold it and
// one of the nodes has to be alone.
func (p *berth) hold(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	if p.conn != nil {
		if err := p.conn.Ping(ctx); err == nil {
			return nil
		}
		p.conn = nil // it has closed itself
	}
	conn, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return fmt.Errorf("take a place in the database: %w", oneLine(classifyPostgres(err)))
	}
	var taken bool
	if err := conn.QueryRow(ctx, p.take).Scan(&taken); err != nil || !taken {
		if err == nil {
			err = ErrInUse
		}
		return errors.Join(err, conn.Close(ctx))
	}
	p.conn = conn
	return nil
}

// close gives the place up. The lock goes with its connection, but the server notices
// the end of that when it has the time: whoever starts meanwhile would be told that the
// place is taken. So it is asked to unlock, and waited for.
func (p *berth) close() error {
	if p.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), min(p.patience, unlockTimeout)) //nolint:forbidigo // nobody's: the store is being closed
	defer cancel()
	_, _ = p.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()") // the lock goes with the connection either way
	_ = p.conn.Close(ctx)
	return nil
}

// keepBerth takes the place again when the connection was lost, until ctx ends.
func (s *Store) keepBerth(ctx context.Context, report func(error)) {
	tick := time.NewTicker(berthEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.berth.hold(ctx); errors.Is(err, ErrInUse) {
			report(err)
		}
	}
}

// PoolStats are figures of one set of connections, for metrics.
type PoolStats struct {
	Name      string // requests or batches
	Used      int    // connections in use
	Open      int    // connections
	Most      int    // that there may be
	Waited    int64  // times that somebody had to wait for one, ever
	WaitedFor time.Duration
}

// Pools tells how busy the connections to a server are; nothing for SQLite.
func (s *Store) Pools() []PoolStats {
	out := make([]PoolStats, 0, len(s.pools))
	for _, p := range s.pools {
		stat := p.Stat()
		out = append(out, PoolStats{
			Used: int(stat.AcquiredConns()), Open: int(stat.TotalConns()), Most: int(stat.MaxConns()),
			Waited: stat.EmptyAcquireCount(), WaitedFor: stat.EmptyAcquireWaitTime(),
		})
	}
	for i, name := range []string{"requests", "batches"} {
		if i < len(out) {
			out[i].Name = name
		}
	}
	return out
}
