package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
)

// chunkBytes is about how much one statement of a batch carries: a long list is
// written in several, which the server reads one after the other.
const chunkBytes = 4 << 20

// postgresEngine sends all statements of a batch at once and then reads what
// became of them: one round trip, whatever their number. The server treats them
// as one transaction, which it commits at the end of them
// (https://www.postgresql.org/docs/current/protocol-flow.html, pipelining). No
// transaction is left open by a node that stops in the middle.
type postgresEngine struct {
	pool     *pgxpool.Pool
	text     func(query string) string
	patience time.Duration // for a free connection
}

// send runs a batch. Its callbacks have been called when it returns nil, and the
// server has said that the transaction is committed.
func (e *postgresEngine) send(ctx context.Context, batch *pgx.Batch) error {
	wait, cancel := context.WithTimeoutCause(ctx, e.patience, errNoConn)
	defer cancel()
	conn, err := e.pool.Acquire(wait)
	if err != nil {
		return fmt.Errorf("find a connection: %w", outOfPatience(wait, err))
	}
	defer conn.Release()
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("send batch: %w", err)
	}
	return nil
}

// transact runs f in a transaction of its own.
func (e *postgresEngine) transact(ctx context.Context, f func(tx pgx.Tx) error) error {
	wait, cancel := context.WithTimeoutCause(ctx, e.patience, errNoConn)
	defer cancel()
	conn, err := e.pool.Acquire(wait)
	if err != nil {
		return fmt.Errorf("find a connection: %w", outOfPatience(wait, err))
	}
	defer conn.Release()
	return pgx.BeginFunc(ctx, conn, f) //nolint:wrapcheck // the caller names the verb
}

// each runs a query over a list within a transaction.
func (e *postgresEngine) each(ctx context.Context, tx pgx.Tx, m *multi, args []any, scan func(row scanner) error) error {
	if len(args) == 0 {
		return nil
	}
	columns, err := m.columns(args)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, e.text(m.array), columns...)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	return nil
}

// exec runs a statement over a list within a transaction.
func (e *postgresEngine) exec(ctx context.Context, tx pgx.Tx, m *multi, args []any) error {
	for part := range chunks(args, m.cols()) {
		columns, err := m.columns(part)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, e.text(m.array), columns...); err != nil {
			return fmt.Errorf("execute: %w", err)
		}
	}
	return nil
}

func (e *postgresEngine) ask(ctx context.Context, lookups []lookup) error {
	batch := &pgx.Batch{}
	for _, l := range lookups {
		columns, err := l.sql.columns(l.args)
		if err != nil {
			return err
		}
		batch.Queue(e.text(l.sql.array), columns...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				if err := l.scan(rows); err != nil {
					return fmt.Errorf("scan: %w", err)
				}
			}
			return rows.Err() //nolint:wrapcheck // send names the verb
		})
	}
	return e.send(ctx, batch)
}

// The position is moved first: who has lost it waits here, and writes nothing.
const (
	moveOn = `WITH moved AS (UPDATE positions SET next_offset = $1, prev_offset = $2
		WHERE log = $3 AND part = $4 AND next_offset = $2 RETURNING 1)
		SELECT parley_expect((SELECT COUNT(*) FROM moved), 1, '` + stateFenced + `')`
	moveFromStart = `WITH moved AS (INSERT INTO positions (next_offset, prev_offset, log, part) VALUES ($1, $2, $3, $4)
		ON CONFLICT (log, part) DO UPDATE SET next_offset = excluded.next_offset, prev_offset = excluded.prev_offset
		WHERE positions.next_offset = excluded.prev_offset RETURNING 1)
		SELECT parley_expect((SELECT COUNT(*) FROM moved), 1, '` + stateFenced + `')`
)

func (e *postgresEngine) write(ctx context.Context, b *chat.Batch, changes []change) error {
	batch := &pgx.Batch{}
	move := moveOn
	if sabotage.NoFence {
		move = strings.Replace(move, "AND next_offset = $2", "", 1)
	}
	if b.From == 0 {
		move = moveFromStart
	}
	batch.Queue(move, b.Next, b.From, b.Partition.Log, int64(b.Partition.Partition))
	note(batch, b)
	for _, c := range changes {
		for part := range chunks(c.args, c.sql.cols()) {
			columns, err := c.sql.columns(part)
			if err != nil {
				return fmt.Errorf("%s: %w", c.verb, err)
			}
			text := c.sql.array
			if c.all {
				text = "WITH done AS (" + text + " RETURNING 1) SELECT parley_expect((SELECT COUNT(*) FROM done), ?, '" + stateHead + "')"
				columns = append(columns, int64(len(part)/c.sql.cols()))
			}
			batch.Queue(e.text(text), columns...)
		}
	}
	return e.send(ctx, batch)
}

// note queues the row that the full-text index learns of the batch from.
func note(batch *pgx.Batch, b *chat.Batch) {
	type span struct{ after, last chat.Seq }
	spans := make(map[chat.ConversationID]span)
	for _, ch := range b.Changes {
		if k := ch.Entry.Kind; k != chat.KindMessage && k != chat.KindEdit && k != chat.KindDelete {
			continue
		}
		s, ok := spans[ch.Entry.ConversationID]
		if !ok {
			s.after = ch.Entry.Seq - 1
		}
		s.last = ch.Entry.Seq
		spans[ch.Entry.ConversationID] = s
	}
	if len(spans) == 0 {
		return
	}
	ids := slices.SortedFunc(maps.Keys(spans), func(a, b chat.ConversationID) int { return bytes.Compare(a[:], b[:]) })
	conversations, after, last := make([][]byte, len(ids)), make([]int64, len(ids)), make([]int64, len(ids))
	for i := range ids {
		conversations[i], after[i], last[i] = ids[i][:], int64(spans[ids[i]].after), int64(spans[ids[i]].last)
	}
	batch.Queue(noteUnindexed, b.Partition.Log, int64(b.Partition.Partition), conversations, after, last)
}

// chunks cuts a list of items into parts of about chunkBytes.
func chunks(args []any, cols int) func(yield func([]any) bool) {
	return func(yield func([]any) bool) {
		begin, size := 0, 0
		for i := 0; i < len(args); i += cols {
			for _, v := range args[i : i+cols] {
				switch v := v.(type) {
				case []byte:
					size += len(v)
				case string:
					size += len(v)
				}
			}
			if end := i + cols; size >= chunkBytes || end == len(args) {
				if !yield(args[begin:end]) {
					return
				}
				begin, size = end, 0
			}
		}
	}
}
