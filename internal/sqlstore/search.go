package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// maxScan bounds the messages that one call of Search looks at, and scanStep
	// those of one look.
	maxScan  = 1_500
	scanStep = 300
	// maxScopes is in how many conversations the index itself keeps to them. Who
	// is in more sees so much of what is said that sorting out is cheaper.
	maxScopes = 64
)

const (
	memberOf       = `SELECT conversation_id FROM members WHERE user_id = ? LIMIT ?`
	matchingTerms  = `SELECT rowid FROM message_index WHERE message_index MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?`
	latestMessages = `SELECT rowid FROM message_entries WHERE rowid < ? ORDER BY rowid DESC LIMIT ?`
)

// visibleMessages are those of some rows that a person may see.
var visibleMessages = newMulti("SELECT e.rowid, "+foldedColumns+`
	JOIN members v ON v.conversation_id = e.conversation_id AND v.user_id = ? AND e.seq >= v.visible_from
	WHERE e.rowid IN (`, "i", ")")

// Search implements chat.Searcher. The index gives messages that may be meant;
// what they say now decides.
func (s *Store) Search(ctx context.Context, user chat.UserID, q chat.SearchQuery) (page chat.Page[chat.Found], err error) {
	if s.index == nil {
		return page, fmt.Errorf("search next to another process: %w", chat.ErrUnavailable)
	}
	ns, _, ok, err := parseCursor(q.Cursor, 1)
	if err != nil {
		return page, err
	}
	if !ok {
		ns = []int64{1<<63 - 1}
	}
	words := make([][]rune, 0, len(q.Words))
	for _, word := range q.Words {
		if f := fold(word); len(f.runes) > 0 {
			words = append(words, f.runes)
		}
	}
	if len(words) < len(q.Words) {
		return page, nil // accents alone stand nowhere
	}
	match, some, err := s.expression(ctx, user, &q, words)
	if err != nil || !some {
		return page, s.failed("search", err)
	}
	next := ns[0]
	for scanned := 0; scanned < maxScan; scanned += scanStep {
		rows, err := s.candidates(ctx, match, next)
		if err != nil {
			return page, s.fail("search", err)
		}
		found, err := s.visible(ctx, user, rows)
		if err != nil {
			return page, s.fail("search", err)
		}
		for i := range found {
			hit, ok := matches(found[i].m, &q, words)
			if !ok {
				continue
			}
			if page.Items = append(page.Items, hit); len(page.Items) == q.Limit {
				page.Next = cursor([]int64{found[i].row}, "")
				return page, nil
			}
		}
		if len(rows) < scanStep {
			return page, nil
		}
		next = rows[len(rows)-1]
	}
	page.Next = cursor([]int64{next}, "")
	return page, nil
}

func (s *Store) failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	return s.fail(verb, err)
}

// expression is what the index is asked: "" stands for all messages. some is false
// if nothing can be found.
func (s *Store) expression(ctx context.Context, user chat.UserID, q *chat.SearchQuery, words [][]rune) (match string, some bool, err error) {
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
	err = queryEach(ctx, s.read, memberOf, []any{user[:], maxScopes + 1}, func(row scanner) error {
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
func (s *Store) candidates(ctx context.Context, match string, below int64) (rows []int64, err error) {
	collect := func(row scanner) error {
		var n int64
		err := row.Scan(&n)
		rows = append(rows, n)
		return err //nolint:wrapcheck // the caller names the verb
	}
	if match == "" {
		return rows, queryEach(ctx, s.read, latestMessages, []any{below, scanStep}, collect)
	}
	return rows, queryEach(ctx, s.index.read, matchingTerms, []any{match, below, scanStep}, collect)
}

// visible reads those of the messages that a person may see, newest first.
func (s *Store) visible(ctx context.Context, user chat.UserID, rows []int64) ([]indexed, error) {
	args := make([]any, len(rows))
	for i := range rows {
		args[i] = rows[i]
	}
	seen := make(map[int64]bool, len(rows))
	var out []indexed
	err := visibleMessages.each(ctx, s.read, []any{user[:]}, args, func(row scanner) error {
		var x indexed
		m, err := scanMessage(rowBefore{row, &x.row})
		if x.m = m; err == nil && !seen[x.row] {
			seen[x.row] = true
			out = append(out, x)
		}
		return err
	})
	slices.SortFunc(out, func(a, b indexed) int { return int(b.row - a.row) })
	return out, err
}

// matches decides whether a message is meant, by what it says now.
func matches(m *chat.Message, q *chat.SearchQuery, words [][]rune) (chat.Found, bool) {
	switch {
	case m.DeletedAt != 0,
		!q.ConversationID.IsZero() && m.ConversationID != q.ConversationID,
		!q.SenderID.IsZero() && m.SenderID != q.SenderID,
		q.Before != 0 && m.At >= q.Before,
		m.At < q.After:
		return chat.Found{}, false
	}
	has := hasOf(m)
	for _, h := range q.Has {
		if !slices.Contains(has, h) {
			return chat.Found{}, false
		}
	}
	f := fold(m.Text)
	spans, ok := f.spans(words)
	return chat.Found{Message: *m, Spans: spans}, ok
}
