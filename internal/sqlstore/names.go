package sqlstore

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

// Both databases have indexes of how names begin and of their parts. Most pages are
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

// The same for SQLite, which is told by the + that names are read in order only
// where that is meant.
const (
	liteBeginning = `(username_key >= ?1 AND username_key < ?2 OR name_key >= ?1 AND name_key < ?2)`
	liteBeginners = `id IN (SELECT id FROM accounts WHERE disabled = 0 AND username_key >= ?1 AND username_key < ?2
		UNION SELECT id FROM accounts WHERE disabled = 0 AND name_key >= ?1 AND name_key < ?2)`
	liteNamed = `SELECT id, username, display_name, bio, avatar_id, created_at, disabled, CAST(?3 AS BIGINT), folded FROM accounts WHERE disabled = 0 AND `
	liteAll   = liteNamed + `folded > ?1 ORDER BY folded LIMIT ?2`
	liteBegin = liteNamed + `+folded > ?4 AND ` + liteBeginners + ` ORDER BY +folded LIMIT ?5`
	liteHold  = liteNamed + `+folded > ?4 AND id IN (SELECT user_id FROM account_parts WHERE part >= ?6 AND part < ?6 || char(1114111))
		AND NOT ` + liteBeginning + ` AND (instr(username_key, ?1) > 0 OR instr(name_key, ?1) > 0) ORDER BY +folded LIMIT ?5`
)

var (
	putParts  = newMulti("INSERT OR IGNORE INTO account_parts (part, user_id) ", "tb", "")
	dropParts = `DELETE FROM account_parts WHERE user_id = ?`
)

// writeParts notes the parts of somebody's names, where the database does not do so by itself.
func writeParts(ctx context.Context, t *tx, a *chat.Account) error {
	if t.dialect().arrays {
		return nil
	}
	if _, err := execute(ctx, t, dropParts, []any{a.ID[:]}); err != nil {
		return err
	}
	var args []any
	for _, name := range []string{a.Username, a.DisplayName} {
		runes := []rune(strings.ToLower(name))
		for i := range runes {
			args = append(args, string(runes[i:min(i+partLetters, len(runes))]), a.ID[:])
		}
	}
	_, err := putParts.exec(ctx, t, args)
	return err
}

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
	room := func() int {
		if page.Next != "" {
			return 0
		}
		return limit + 1 - len(page.Items)
	}
	n := nameSearch{text: text, order: ns[0], after: after, room: room, collect: collect}
	if err := n.run(ctx, s.read); err != nil {
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
	lite := !db.dialect().arrays
	if n.text == "" {
		all := namesAll
		if lite {
			all = liteAll
		}
		return queryEach(ctx, db, all, []any{n.after, int64(n.room()), int64(0)}, n.collect)
	}
	end := n.text + string(utf8.MaxRune)
	after := n.after
	begin, hold, parts := namesBegin, namesHold, any(partsOf(n.text))
	if lite {
		runes := []rune(n.text)
		begin, hold, parts = liteBegin, liteHold, string(runes[max(0, len(runes)-partLetters):])
	}
	if n.order <= 0 {
		if err := queryEach(ctx, db, begin, []any{n.text, end, int64(0), after, int64(n.room())}, n.collect); err != nil {
			return err
		}
		after = ""
	}
	if n.room() == 0 {
		return nil
	}
	return queryEach(ctx, db, hold, []any{n.text, end, int64(1), after, int64(n.room()), parts}, n.collect)
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
