package sqlstore

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// indexEntries is about how many entries one transaction of the index reads,
	// and indexRows of how many batches at most, of indexParts partitions at most: the
	// small batches of several are indexed together, and other nodes find others.
	indexEntries = 512
	indexRows    = 256
	indexParts   = 8
)

// postgresIndex is the full-text index of a store in PostgreSQL: a table of
// hashes of terms, which follows a queue that batches are noted in. Every node
// works on it; those of one partition are indexed by one node at a time, in
// order. Different terms may have one hash: the present text decides anyway.
type postgresIndex struct {
	s      *Store
	engine *postgresEngine
}

// termHash is what the index knows a term by.
func termHash(term string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(term)) // never fails
	return int32(h.Sum32())      //nolint:gosec // all bits are kept
}

// hashesOf gives the terms of a message as an array in PostgreSQL's notation.
func hashesOf(m *chat.Message) string {
	b := []byte{'{'}
	for term := range strings.SplitSeq(termsOf(m), " ") {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(termHash(term)), 10)
	}
	return string(append(b, '}'))
}

// noteUnindexed puts a batch into the queue of the index.
const noteUnindexed = `INSERT INTO unindexed (log, part, conversation_ids, after_seqs, last_seqs) VALUES ($1, $2, $3, $4, $5)`

const (
	// Every partition ever written has a position. Which of them are locked first is
	// left to chance, and no more are than one transaction is to have: OFFSET 0 keeps the
	// server from trying locks where it looks for partitions.
	claimParts = `SELECT log, part FROM (
			SELECT log, part FROM positions p WHERE EXISTS (SELECT 1 FROM unindexed u WHERE u.log = p.log AND u.part = p.part) ORDER BY random() OFFSET 0
		) AS fresh WHERE pg_try_advisory_xact_lock(hashtextextended('parley index ' || current_schema() || ' ' || log || ' ' || CAST(part AS text), 0)) LIMIT $1`
	batchesNext = `SELECT u.id, u.conversation_ids, u.after_seqs, u.last_seqs FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[])) AS p (log, part)
		CROSS JOIN LATERAL (SELECT * FROM unindexed WHERE log = p.log AND part = p.part ORDER BY id LIMIT $3) AS u`
	indexedAll  = `DELETE FROM unindexed WHERE id = ANY($1)`
	indexedSome = `UPDATE unindexed SET conversation_ids = $2, after_seqs = $3, last_seqs = $4 WHERE id = $1`
)

var (
	messagesIn = newMulti("SELECT "+foldedColumns+" JOIN (", "bii",
		") AS v ON e.conversation_id = v.column1 AND e.seq > v.column2 AND e.seq <= v.column3")
	othersIn = newMulti("SELECT o.body FROM other_entries o JOIN (", "bii",
		") AS v ON o.conversation_id = v.column1 AND o.seq > v.column2 AND o.seq <= v.column3")
	putHashes = newMulti("INSERT INTO message_terms (conversation_id, seq, at, terms) SELECT column1, column2, column3, CAST(column4 AS INTEGER[]) FROM (", "biit",
		") AS v ON CONFLICT (conversation_id, seq) DO UPDATE SET terms = excluded.terms")
	dropHashes = newMulti("DELETE FROM message_terms WHERE (conversation_id, seq) IN (", "bi", ")")
)

// some implements fullText.
func (x *postgresIndex) some(ctx context.Context) (n int, err error) {
	err = x.engine.transact(ctx, func(tx pgx.Tx) error {
		// What is lost with the power is in the queue again then.
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		logs, parts, err := x.claim(ctx, tx)
		if err != nil || len(logs) == 0 {
			return err
		}
		w, err := x.next(ctx, tx, logs, parts)
		if err != nil {
			return err
		}
		n = w.batches
		return x.index(ctx, tx, w)
	})
	return n, err
}

// claim finds partitions with something to index that no other node is at. What
// is read after it is what others left there.
func (x *postgresIndex) claim(ctx context.Context, tx pgx.Tx) (logs []string, parts []int64, err error) {
	rows, err := tx.Query(ctx, claimParts, indexParts)
	if err != nil {
		return nil, nil, fmt.Errorf("find what is new: %w", err)
	}
	var log string
	var part int64
	_, err = pgx.ForEachRow(rows, []any{&log, &part}, func() error {
		logs, parts = append(logs, log), append(parts, part)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find what is new: %w", err)
	}
	return logs, parts, nil
}

// indexing is a part of the queue.
type indexing struct {
	batches int     // that were looked at
	done    []int64 // ids of batches of which nothing is left
	ranges  []any   // conversation, above which seq, up to which
	// part is the id of a batch of which something is left, or 0, and what that is.
	part        int64
	left        [][]byte
	after, last []int64
}

// next reads the next batches of some partitions, those of each in order, up to about
// indexEntries entries.
func (x *postgresIndex) next(ctx context.Context, tx pgx.Tx, logs []string, parts []int64) (*indexing, error) {
	w := &indexing{}
	entries := int64(0)
	rows, err := tx.Query(ctx, batchesNext, logs, parts, indexRows/len(parts))
	if err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	defer rows.Close()
	for rows.Next() && entries < indexEntries {
		var id int64
		var ids [][]byte
		var after, last []int64
		if err := rows.Scan(&id, &ids, &after, &last); err != nil {
			return nil, fmt.Errorf("read the queue: %w", err)
		}
		if len(after) != len(ids) || len(last) != len(ids) {
			return nil, fmt.Errorf("read the queue: %w", errBadRow)
		}
		w.batches++
		for len(ids) > 0 && entries < indexEntries {
			upto := min(last[0], after[0]+indexEntries-entries)
			entries += upto - after[0]
			w.ranges = append(w.ranges, ids[0], after[0], upto)
			if after[0] = upto; upto == last[0] {
				ids, after, last = ids[1:], after[1:], last[1:]
			}
		}
		if len(ids) > 0 {
			w.part, w.left, w.after, w.last = id, ids, after, last
			break
		}
		w.done = append(w.done, id)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	return w, nil
}

// index writes the terms of what is new, and takes it from the queue.
func (x *postgresIndex) index(ctx context.Context, tx pgx.Tx, w *indexing) error {
	var put, drop []any
	seen := make(map[address]bool)
	collect := func(row scanner) error {
		m, err := scanMessage(row)
		if err != nil {
			return err
		}
		at := address{m.ConversationID, m.Seq}
		switch {
		case seen[at]:
		case m.DeletedAt != 0:
			drop = append(drop, at.conversation[:], int64(at.seq))
		default:
			put = append(put, at.conversation[:], int64(at.seq), int64(m.At), hashesOf(m))
		}
		seen[at] = true
		return nil
	}
	var changed []any
	return firstError(
		func() error { return x.engine.each(ctx, tx, &messagesIn, w.ranges, collect) },
		func() error {
			return x.engine.each(ctx, tx, &othersIn, w.ranges, func(row scanner) error {
				var body []byte
				if err := row.Scan(&body); err != nil || !changesText(body) {
					return err //nolint:wrapcheck // the caller names the verb
				}
				e, err := chat.DecodeEntry(body)
				if err == nil {
					changed = append(changed, e.ConversationID[:], int64(e.Target))
				}
				return err //nolint:wrapcheck // the caller names the verb
			})
		},
		func() error { return x.engine.each(ctx, tx, &messagesAt, changed, collect) },
		func() error { return x.engine.exec(ctx, tx, &putHashes, put) },
		func() error { return x.engine.exec(ctx, tx, &dropHashes, drop) },
		func() error {
			_, err := tx.Exec(ctx, indexedAll, w.done)
			if err == nil && w.part != 0 {
				_, err = tx.Exec(ctx, indexedSome, w.part, w.left, w.after, w.last)
			}
			return err //nolint:wrapcheck // some names the verb
		},
	)
}
