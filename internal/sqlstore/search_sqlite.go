package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// maxScopes is in how many conversations the index itself keeps to them. Who is in
// more sees so much of what is said that sorting out is cheaper.
const maxScopes = 64

const (
	memberOf       = `SELECT conversation_id FROM members WHERE user_id = ? LIMIT ?`
	matchingTerms  = `SELECT rowid FROM message_index WHERE message_index MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?`
	latestMessages = `SELECT rowid FROM message_entries WHERE rowid < ? ORDER BY rowid DESC LIMIT ?`
)

// visibleMessages are those of some rows that a person may see.
var visibleMessages = newMulti("SELECT e.rowid, "+foldedColumns+`
	JOIN members v ON v.conversation_id = e.conversation_id AND v.user_id = ? AND e.seq >= v.visible_from
	WHERE e.rowid IN (`, "i", ")")

// sqliteFinder looks for rows below one.
type sqliteFinder struct {
	x     *sqliteIndex
	user  chat.UserID
	match string
	next  int64
}

// find implements fullText.
func (x *sqliteIndex) find(ctx context.Context, user chat.UserID, q *chat.SearchQuery, words [][]rune) (finder, error) {
	ns, _, ok, err := parseCursor(q.Cursor, 1)
	if err != nil {
		return nil, err
	}
	if !ok {
		ns = []int64{1<<63 - 1}
	}
	match, some, err := x.expression(ctx, user, q, words)
	if err != nil || !some {
		return nil, err
	}
	return &sqliteFinder{x: x, user: user, match: match, next: ns[0]}, nil
}

// look implements finder.
func (f *sqliteFinder) look(ctx context.Context) (found []candidate, scanned int, more bool, err error) {
	rows, err := f.x.candidates(ctx, f.match, f.next)
	if err != nil {
		return nil, 0, false, err
	}
	seen, err := f.x.visible(ctx, f.user, rows)
	if err != nil {
		return nil, 0, false, err
	}
	for i := range seen {
		found = append(found, candidate{seen[i].m, cursor([]int64{seen[i].row}, "")})
	}
	if len(rows) > 0 {
		f.next = rows[len(rows)-1]
	}
	return found, len(rows), len(rows) == scanStep, nil
}

// cursor implements finder.
func (f *sqliteFinder) cursor() string { return cursor([]int64{f.next}, "") }

// expression is what the index is asked: "" stands for all messages. some is false
// if nothing can be found.
func (x *sqliteIndex) expression(ctx context.Context, user chat.UserID, q *chat.SearchQuery, words [][]rune) (match string, some bool, err error) {
	var all []string
	for _, t := range queryTerms(words) {
		all = append(all, `"`+t+`"`)
	}
	if !q.SenderID.IsZero() {
		all = append(all, senderTerm(q.SenderID))
	}
	for _, h := range q.Has {
		all = append(all, hasTerm(h))
	}
	if !q.ConversationID.IsZero() {
		return strings.Join(append(all, conversationTerm(q.ConversationID)), " AND "), true, nil
	}
	var scopes []string
	err = queryEach(ctx, x.s.read, memberOf, []any{user[:], maxScopes + 1}, func(row scanner) error {
		var id chat.ConversationID
		err := row.Scan(into(&id))
		scopes = append(scopes, conversationTerm(id))
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return "", false, fmt.Errorf("list conversations: %w", err)
	}
	if len(scopes) > 0 && len(scopes) <= maxScopes {
		all = append(all, "("+strings.Join(scopes, " OR ")+")")
	}
	return strings.Join(all, " AND "), len(scopes) > 0, nil
}

// candidates gives rows below one, newest first.
func (x *sqliteIndex) candidates(ctx context.Context, match string, below int64) (rows []int64, err error) {
	collect := func(row scanner) error {
		var n int64
		err := row.Scan(&n)
		rows = append(rows, n)
		return err //nolint:wrapcheck // the caller names the verb
	}
	if match == "" {
		return rows, queryEach(ctx, x.s.read, latestMessages, []any{below, scanStep}, collect)
	}
	return rows, queryEach(ctx, x.read, matchingTerms, []any{match, below, scanStep}, collect)
}

// visible reads those of the messages that a person may see, newest first.
func (x *sqliteIndex) visible(ctx context.Context, user chat.UserID, rows []int64) ([]indexed, error) {
	args := make([]any, len(rows))
	for i := range rows {
		args[i] = rows[i]
	}
	seen := make(map[int64]bool, len(rows))
	var out []indexed
	err := visibleMessages.each(ctx, x.s.read, []any{user[:]}, args, func(row scanner) error {
		var x indexed
		m, err := scanMessage(rowsBefore{row, []any{&x.row}})
		if x.m = m; err == nil && !seen[x.row] {
			seen[x.row] = true
			out = append(out, x)
		}
		return err
	})
	slices.SortFunc(out, func(a, b indexed) int { return int(b.row - a.row) })
	return out, err
}
