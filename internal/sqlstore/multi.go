package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// sizes are the lengths in which lists of rows and parameters are written into
// statements, so that there are few different texts, each prepared once.
var sizes = [...]int{64, 8, 1}

// multi is a statement over a list of items, each of some columns. SQLite gets
// the list as rows of placeholders, one text for each size; PostgreSQL gets an
// array for each column, so that one text serves every length. In both the
// columns are called column1, column2 and so on.
type multi struct {
	sized [len(sizes)]string
	array string
	// kinds has a letter for each column: b for bytes, i for an integer, t for text.
	kinds string
}

var arrayTypes = map[rune]string{'b': "BYTEA[]", 'i': "BIGINT[]", 't': "TEXT[]"}

// newMulti makes the texts: head, the list, tail. The list is a query, which may
// stand after INSERT INTO …, in parentheses after IN or FROM.
func newMulti(head, kinds, tail string) multi {
	m := multi{kinds: kinds}
	rows, item := "VALUES ", "("+strings.TrimSuffix(strings.Repeat("?, ", len(kinds)), ", ")+")"
	if len(kinds) == 1 {
		rows, item = "", "?" // a plain IN list
	}
	for i, n := range sizes {
		m.sized[i] = head + rows + strings.TrimSuffix(strings.Repeat(item+", ", n), ", ") + tail
	}
	var arrays, names []string
	for i, kind := range kinds {
		arrays = append(arrays, "CAST(? AS "+arrayTypes[kind]+")")
		names = append(names, fmt.Sprint("column", i+1))
	}
	m.array = head + "SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ") AS u(" + strings.Join(names, ", ") + ")" + tail
	return m
}

// locking gives the statement with a clause after it that only PostgreSQL needs:
// which rows it locks, and in what order.
func (m multi) locking(clause string) multi {
	m.array += clause
	return m
}

func (m *multi) cols() int { return len(m.kinds) }

// exec runs the statement over all items of args, in as few parts as the sizes
// allow, each item once and in order. It gives the number of rows it affected.
func (m *multi) exec(ctx context.Context, db database, args []any) (int64, error) {
	if len(args) == 0 {
		return 0, nil
	}
	if db.dialect().arrays {
		columns, err := m.columns(args)
		if err != nil {
			return 0, err
		}
		return execute(ctx, db, m.array, columns)
	}
	var rows int64
	for i, n := range sizes {
		for len(args) >= n*m.cols() {
			k, err := execute(ctx, db, m.sized[i], args[:n*m.cols()])
			if err != nil {
				return 0, err
			}
			rows += k
			args = args[n*m.cols():]
		}
	}
	return rows, nil
}

func execute(ctx context.Context, db database, text string, args []any) (int64, error) {
	res, err := db.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, fmt.Errorf("execute: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	return n, nil
}

// each runs the statement, a query, over all items of args and calls scan for
// each row. The last part is filled up by repeating its last item, so the query
// must not mind repeated items. lead are the parameters before the list.
func (m *multi) each(ctx context.Context, db database, lead, args []any, scan func(row scanner) error) error {
	if len(args) > 0 && db.dialect().arrays {
		columns, err := m.columns(args)
		if err != nil {
			return err
		}
		return queryEach(ctx, db, m.array, slices.Concat(lead, columns), scan)
	}
	for len(args) > 0 {
		items := len(args) / m.cols()
		i := 0
		for i+1 < len(sizes) && sizes[i+1] >= items {
			i++
		}
		n := min(items, sizes[i])
		part := slices.Concat(lead, args[:n*m.cols()])
		for range sizes[i] - n {
			part = append(part, args[(n-1)*m.cols():n*m.cols()]...)
		}
		if err := queryEach(ctx, db, m.sized[i], part, scan); err != nil {
			return err
		}
		args = args[n*m.cols():]
	}
	return nil
}

var errKind = errors.New("a parameter has another type than its column")

// columns turns a list of items into an array for each column.
func (m *multi) columns(args []any) ([]any, error) {
	out := make([]any, m.cols())
	for c, kind := range m.kinds {
		var err error
		switch kind {
		case 'b':
			out[c], err = column[[]byte](args[c:], m.cols())
		case 'i':
			out[c], err = column[int64](args[c:], m.cols())
		default:
			out[c], err = column[string](args[c:], m.cols())
		}
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", c+1, err)
		}
	}
	return out, nil
}

func column[T any](args []any, step int) ([]T, error) {
	out := make([]T, 0, (len(args)+step-1)/step)
	for i := 0; i < len(args); i += step {
		v, ok := args[i].(T)
		if !ok {
			return nil, fmt.Errorf("%T: %w", args[i], errKind)
		}
		out = append(out, v)
	}
	return out, nil
}

// scanner is a row that is being read.
type scanner interface {
	Scan(dest ...any) error
}

// rowsBefore scans some first columns apart from the others.
type rowsBefore struct {
	scanner
	first []any
}

// Scan implements scanner.
func (r rowsBefore) Scan(dest ...any) error {
	return r.scanner.Scan(append(r.first, dest...)...) //nolint:wrapcheck // the caller names the verb
}

func queryEach(ctx context.Context, db database, text string, args []any, scan func(row scanner) error) (err error) {
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
