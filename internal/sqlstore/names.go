package sqlstore

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

// SQLite reads all names.
const searchUsers = `SELECT id, username, display_name, bio, avatar_id, created_at, disabled, ord, folded FROM (
    SELECT id, username, display_name, bio, avatar_id, created_at, disabled, folded,
        CASE WHEN username_key LIKE ?1 ESCAPE '\' OR name_key LIKE ?1 ESCAPE '\' THEN 0 ELSE 1 END AS ord
    FROM accounts
    WHERE disabled = 0 AND (username_key LIKE ?2 ESCAPE '\' OR name_key LIKE ?2 ESCAPE '\')
) found
WHERE ord > ?3 OR (ord = ?3 AND folded > ?4)
ORDER BY ord, folded LIMIT ?5`

// PostgreSQL has indexes of how names begin and of their parts. Most pages are
// filled by names that begin with the text, and need no look at the others.
const (
	beginning = `(username_key >= $1 AND username_key < $2 OR name_key >= $1 AND name_key < $2)`
	userNames = `SELECT id, username, display_name, bio, avatar_id, created_at, disabled, CAST($3 AS BIGINT), folded FROM `
	// Gathered first: walking along the order until enough were met may mean to meet everybody.
	namesBegin = `WITH named AS MATERIALIZED (SELECT * FROM accounts WHERE disabled = 0 AND ` + beginning + `)
		` + userNames + `named WHERE folded > $4 ORDER BY folded LIMIT $5`
	namesHold = `WITH named AS MATERIALIZED (SELECT * FROM accounts WHERE disabled = 0 AND parley_parts(username_key, name_key) @> CAST($6 AS TEXT[])
			AND NOT ` + beginning + ` AND (position($1 IN username_key) > 0 OR position($1 IN name_key) > 0))
		` + userNames + `named WHERE folded > $4 ORDER BY folded LIMIT $5`
	// Every name begins with nothing.
	namesAll    = userNames + `accounts WHERE disabled = 0 AND folded > $1 ORDER BY folded LIMIT $2`
	partLetters = 3 // see parley_parts
)

// SearchUsers implements chat.Accounts.
func (s *Store) SearchUsers(ctx context.Context, text, from string, limit int) (page chat.Page[chat.User], err error) {
	ns, after, ok, err := parseCursor(from, 1)
	if err != nil {
		return page, err
	}
	if !ok {
		ns = []int64{-1}
	}
	if !utf8.ValidString(after) || strings.ContainsRune(after, 0) {
		return page, chat.Invalid("cursor", "is not one that was given out")
	}
	if strings.ContainsRune(text, 0) {
		return page, nil // no name has it, and no database takes it
	}
	text = strings.ToLower(strings.ToValidUTF8(text, ""))
	var order int64
	var folded string
	collect := func(row scanner) error {
		if len(page.Items) == limit {
			page.Next = cursor([]int64{order}, folded)
			return nil
		}
		u, err := scanUser(row, &order, &folded)
		page.Items = append(page.Items, u)
		return err
	}
	if s.d.arrays {
		room := func() int {
			if page.Next != "" {
				return 0
			}
			return limit + 1 - len(page.Items)
		}
		n := nameSearch{text: text, order: ns[0], after: after, room: room, collect: collect}
		err = n.run(ctx, s.read)
	} else {
		pattern := escapeLike(text) + "%"
		err = queryEach(ctx, s.read, searchUsers, []any{pattern, "%" + pattern, ns[0], after, limit + 1}, collect)
	}
	if err != nil {
		return page, s.fail("search users", err)
	}
	return page, nil
}

// nameSearch is a search that looks at names that begin with the text and then,
// while there is room, at those that hold it elsewhere, behind a place in that order.
type nameSearch struct {
	text    string
	order   int64
	after   string
	room    func() int
	collect func(row scanner) error
}

func (n *nameSearch) run(ctx context.Context, db database) error {
	if n.text == "" {
		return queryEach(ctx, db, namesAll, []any{n.after, int64(n.room()), int64(0)}, n.collect)
	}
	end := n.text + string(utf8.MaxRune)
	after := n.after
	if n.order <= 0 {
		if err := queryEach(ctx, db, namesBegin, []any{n.text, end, int64(0), after, int64(n.room())}, n.collect); err != nil {
			return err
		}
		after = ""
	}
	if n.room() == 0 {
		return nil
	}
	return queryEach(ctx, db, namesHold, []any{n.text, end, int64(1), after, int64(n.room()), partsOf(n.text)}, n.collect)
}

// partsOf gives parts that every name with the text has.
func partsOf(text string) []string {
	runes := []rune(text)
	if len(runes) <= partLetters {
		return []string{text}
	}
	var out []string
	for i := 0; i+partLetters <= len(runes); i++ {
		out = append(out, string(runes[i:i+partLetters]))
	}
	return out
}
