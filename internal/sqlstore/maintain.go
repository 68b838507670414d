package sqlstore

import (
	"context"
	"fmt"
	"time"
)

const (
	// checkpointEvery is how often the write-ahead log is looked at.
	checkpointEvery = 200 * time.Millisecond
	// checkpointPages is the length from which it is moved into the database.
	checkpointPages = 1000
	// lastPages is how little may be left of it for a commit to wait for that.
	lastPages = 256
)

// Maintain moves what was committed from SQLite's write-ahead log into the
// database while commits go on, until ctx ends. It is not needed for anything
// but speed: without it a commit now and then does all of that work itself, and
// the messages in it wait. What fails is reported, and tried again. A
// PostgreSQL server looks after itself; there it is the node's place that is kept.
func (s *Store) Maintain(ctx context.Context, report func(error)) {
	if s.berth != nil {
		s.keepBerth(ctx, report)
		return
	}
	if s.side == nil {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.checkpoint(ctx); err != nil && ctx.Err() == nil {
			report(fmt.Errorf("move the write-ahead log: %w", s.d.classify(err)))
		}
	}
}

// checkpoint moves the log in parts, each while commits go on. What came in the
// meantime is less each time, and the last of it is moved between two commits:
// only when all of the log has been moved can it begin anew.
func (s *Store) checkpoint(ctx context.Context) error {
	left := checkpointPages
	for range 4 {
		log, err := passive(ctx, s.side)
		if err != nil {
			return err
		}
		if log.left() == 0 || log.pages < checkpointPages {
			return nil
		}
		if left = log.left(); left <= lastPages {
			break
		}
	}
	if left > lastPages {
		return nil // the disk is behind; next time
	}
	_, err := passive(ctx, s.write)
	return err
}

// walLog is the state of the write-ahead log after a checkpoint.
type walLog struct{ busy, pages, moved int }

// left is how many pages are to be moved still.
func (l walLog) left() int { return l.pages - l.moved }

// passive moves as much of the log as can be moved without waiting for anybody
// (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
func passive(ctx context.Context, db database) (l walLog, err error) {
	err = queryEach(ctx, db, "PRAGMA wal_checkpoint(PASSIVE)", nil, func(row scanner) error {
		return row.Scan(&l.busy, &l.pages, &l.moved)
	})
	return l, err
}
