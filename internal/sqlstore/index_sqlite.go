package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	indexFile = "search.db"
	// indexVersion is that of the terms (termsOf): an index of another version is
	// made anew.
	indexVersion = 1
	indexReaders = 2
	// indexBatch bounds the messages of one transaction of the index.
	indexBatch = 128
)

// sqliteIndex is the full-text index of a store in SQLite. It is a file of its own, so
// that writing it never makes a commit wait, and follows the log: where it has
// got to stands in the same transaction as what it knows. It may be lost, or cut
// off at any moment: it goes on from where it is, or from the start.
type sqliteIndex struct {
	s           *Store
	write, read *pool
}

const indexSchema = `
CREATE VIRTUAL TABLE IF NOT EXISTS message_index USING fts5(
	terms, content='', contentless_delete=1, detail='none', tokenize='ascii');
CREATE TABLE IF NOT EXISTS place (
	id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
	version INTEGER NOT NULL,
	message INTEGER NOT NULL, -- rowid in message_entries up to which messages are indexed
	address BLOB    NOT NULL, -- conversation_id and seq of that row
	other   INTEGER NOT NULL  -- rowid in other_entries up to which changes of messages are
);
INSERT INTO place (id, version, message, address, other) VALUES (1, 0, 0, x'', 0) ON CONFLICT DO NOTHING;`

func openIndex(ctx context.Context, s *Store, dir string) (_ *sqliteIndex, err error) {
	x := &sqliteIndex{s: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.close())
		}
	}()
	path := filepath.Join(dir, indexFile)
	if err := ownFile(path); err != nil {
		return nil, fmt.Errorf("make index: %w", err)
	}
	if x.write, err = openPool(s.d, indexDSN(path, false), 1); err != nil {
		return nil, err
	}
	if _, err := x.write.db.ExecContext(ctx, indexSchema); err != nil {
		return nil, fmt.Errorf("make index: %w", s.d.classify(err))
	}
	x.read, err = openPool(s.d, indexDSN(path, true), indexReaders)
	return x, err
}

// indexDSN names the index. What a power cut takes from it is indexed again.
func indexDSN(path string, reading bool) string {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "temp_store(MEMORY)", "synchronous(NORMAL)"}}
	if reading {
		q["_pragma"] = append(q["_pragma"], "query_only(1)", "cache_size(-2048)")
	} else {
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "cache_size(-4096)", "journal_size_limit(16777216)")
		q.Set("_txlock", "immediate")
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

func (x *sqliteIndex) close() error {
	var errs []error
	for _, p := range []*pool{x.read, x.write} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	return errors.Join(errs...)
}

// place is up to where the log is indexed.
type place struct {
	version, message, other int64
	address                 []byte
}

const readPlace = `SELECT version, message, address, other FROM place`

func (x *sqliteIndex) place(ctx context.Context) (p place, err error) {
	err = queryEach(ctx, x.write, readPlace, nil, func(row scanner) error {
		return row.Scan(&p.version, &p.message, &p.address, &p.other)
	})
	return p, err
}

// toIndex is what the index has not seen: new messages, and those that changed.
type toIndex struct {
	messages []indexed
	next     place
	n        int // rows of the log that were read
}

// indexed is a message and its row.
type indexed struct {
	row int64
	m   *chat.Message
}

// some implements fullText.
func (x *sqliteIndex) some(ctx context.Context) (int, error) {
	at, err := x.place(ctx)
	if err != nil {
		return 0, fmt.Errorf("read place: %w", err)
	}
	anew, err := x.outOfStep(ctx, at)
	if err != nil {
		return 0, err
	}
	if anew {
		at = place{version: indexVersion, address: []byte{}}
	}
	var some toIndex
	err = x.s.snapshot(ctx, func(db database) (err error) {
		some, err = readNew(ctx, db, at)
		return err
	})
	if err != nil || some.n == 0 && !anew {
		return 0, err
	}
	err = x.write.transact(ctx, nil, func(t *tx) error { return some.write(ctx, t, anew) })
	return some.n, err
}

// outOfStep reports whether the index is not one of this log: of older terms, or
// of rows that have other numbers now (as a VACUUM may give them).
func (x *sqliteIndex) outOfStep(ctx context.Context, at place) (bool, error) {
	if at.version != indexVersion {
		return true, nil
	}
	if at.message == 0 {
		return false, nil
	}
	var address []byte
	err := queryEach(ctx, x.s.read, `SELECT conversation_id, seq FROM message_entries WHERE rowid = ?`, []any{at.message}, func(row scanner) error {
		var id chat.ConversationID
		var seq chat.Seq
		err := row.Scan(into(&id), &seq)
		address = addressOf(id, seq)
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return false, fmt.Errorf("compare with the log: %w", err)
	}
	return !bytes.Equal(address, at.address), nil
}

func addressOf(id chat.ConversationID, seq chat.Seq) []byte {
	return fmt.Appendf(id[:16:16], "%d", seq)
}

const (
	newMessages = `SELECT e.rowid, ` + foldedColumns + ` WHERE e.rowid > ? ORDER BY e.rowid LIMIT ?`
	newOthers   = `SELECT rowid, body FROM other_entries WHERE rowid > ? ORDER BY rowid LIMIT ?`
)

var changedMessages = newMulti("SELECT e.rowid, "+foldedColumns+" WHERE (e.conversation_id, e.seq) IN (", "bi", ")")

// readNew reads what was committed behind a place. Changes are read only when no
// message is left to be: a message is known before it changes.
func readNew(ctx context.Context, db database, at place) (some toIndex, err error) {
	some.next = at
	some.next.version = indexVersion
	collect := func(row scanner) error {
		var x indexed
		m, err := scanMessage(rowsBefore{row, []any{&x.row}})
		x.m = m
		some.messages = append(some.messages, x)
		return err
	}
	if err := queryEach(ctx, db, newMessages, []any{at.message, indexBatch}, collect); err != nil {
		return some, err
	}
	if some.n = len(some.messages); some.n > 0 {
		last := some.messages[some.n-1]
		some.next.message, some.next.address = last.row, addressOf(last.m.ConversationID, last.m.Seq)
	}
	if some.n == indexBatch {
		return some, nil
	}
	var changed []any
	err = queryEach(ctx, db, newOthers, []any{at.other, indexBatch}, func(row scanner) error {
		var body []byte
		err := row.Scan(&some.next.other, &body)
		some.n++
		if err == nil && changesText(body) {
			var e *chat.Entry
			if e, err = chat.DecodeEntry(body); err == nil {
				changed = append(changed, e.ConversationID[:], int64(e.Target))
			}
		}
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return some, err
	}
	return some, changedMessages.each(ctx, db, nil, changed, collect)
}

// changesText reports whether an entry may be an edit or a deletion.
func changesText(body []byte) bool {
	return bytes.Contains(body, []byte(`"kind":"edit"`)) || bytes.Contains(body, []byte(`"kind":"delete"`))
}

const (
	putTerms  = `INSERT OR REPLACE INTO message_index (rowid, terms) VALUES (?, ?)`
	dropTerms = `DELETE FROM message_index WHERE rowid = ?`
	dropAll   = `DELETE FROM message_index`
	movePlace = `UPDATE place SET version = ?, message = ?, address = ?, other = ?`
)

func (x *toIndex) write(ctx context.Context, t *tx, anew bool) error {
	if anew {
		if _, err := t.tx.ExecContext(ctx, dropAll); err != nil {
			return fmt.Errorf("empty the index: %w", err)
		}
	}
	for i := range x.messages {
		var err error
		if m := x.messages[i]; m.m.DeletedAt != 0 {
			_, err = t.ExecContext(ctx, dropTerms, m.row)
		} else {
			_, err = t.ExecContext(ctx, putTerms, m.row, termsOf(m.m))
		}
		if err != nil {
			return fmt.Errorf("index a message: %w", err)
		}
	}
	n := &x.next
	if _, err := t.ExecContext(ctx, movePlace, n.version, n.message, append([]byte{}, n.address...), n.other); err != nil {
		return fmt.Errorf("move place: %w", err)
	}
	return nil
}
