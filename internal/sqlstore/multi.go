package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/sqlstore/query"
)

// sizes are the lengths in which lists of rows and parameters are written into
// statements, so that there are few different texts, each prepared once.
var sizes = [...]int{64, 8, 1}

// multi is a statement over a list: one text for each size.
type multi struct {
	texts [len(sizes)]string
	cols  int // parameters of each item
}

// newMulti makes the texts: head, the item n times with commas between, tail.
func newMulti(head, item, tail string) multi {
	m := multi{cols: strings.Count(item, "?")}
	for i, n := range sizes {
		m.texts[i] = head + strings.TrimSuffix(strings.Repeat(item+", ", n), ", ") + tail
	}
	return m
}

// exec runs the statement over all items of args, in as few parts as the sizes
// allow, each item once and in order. It gives the number of rows it affected.
func (m *multi) exec(ctx context.Context, db query.DBTX, args []any) (int64, error) {
	var rows int64
	for i, n := range sizes {
		for len(args) >= n*m.cols {
			res, err := db.ExecContext(ctx, m.texts[i], args[:n*m.cols]...)
			if err != nil {
				return 0, fmt.Errorf("execute: %w", err)
			}
			k, err := res.RowsAffected()
			if err != nil {
				return 0, fmt.Errorf("count rows: %w", err)
			}
			rows += k
			args = args[n*m.cols:]
		}
	}
	return rows, nil
}

// each runs the statement, a query, over all items of args and calls scan for
// each row. The last part is filled up by repeating its last item, so the query
// must not mind repeated items. lead are the parameters before the list.
func (m *multi) each(ctx context.Context, db query.DBTX, lead, args []any, scan func(row scanner) error) error {
	for len(args) > 0 {
		items := len(args) / m.cols
		i := 0
		for i+1 < len(sizes) && sizes[i+1] >= items {
			i++
		}
		n := min(items, sizes[i])
		part := slices.Concat(lead, args[:n*m.cols])
		for range sizes[i] - n {
			part = append(part, args[(n-1)*m.cols:n*m.cols]...)
		}
		if err := queryEach(ctx, db, m.texts[i], part, scan); err != nil {
			return err
		}
		args = args[n*m.cols:]
	}
	return nil
}

// scanner is a row that is being read.
type scanner interface {
	Scan(dest ...any) error
}

func queryEach(ctx context.Context, db query.DBTX, text string, args []any, scan func(row scanner) error) (err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer func() {
		if cerr := rows.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("close rows: %w", cerr)
		}
	}()
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
