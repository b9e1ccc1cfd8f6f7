package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxRows bounds a result together with MaxResult: a row costs memory of its own.
const maxRows = 1 << 18

var errTooLarge = fmt.Errorf("the result is longer than %d bytes or %d rows; ask for less with LIMIT", MaxResult, maxRows)

// execute runs a statement: the values of the only column as a list, or the rows
// as a list of maps, or for a statement without columns how many rows it changed.
func execute(ctx context.Context, conn *sql.Conn, statement string, args []any) (any, error) {
	before, err := one(ctx, conn, "SELECT total_changes()")
	if err != nil {
		return nil, err
	}
	result, err := query(ctx, conn, statement, args)
	if err != nil || result.columns != nil {
		return result.values(), err
	}
	after, err := one(ctx, conn, "SELECT total_changes()")
	if err != nil || after == before {
		return int64(0), err // changes() would be that of a statement before this one
	}
	return one(ctx, conn, "SELECT changes()")
}

func one(ctx context.Context, conn *sql.Conn, statement string) (n int64, err error) {
	err = conn.QueryRowContext(ctx, statement).Scan(&n)
	return n, err
}

// result is what a statement returned.
type result struct {
	columns []string // nil: it returns no rows by its nature
	rows    [][]any
}

func (r result) values() any {
	all := make([]any, len(r.rows))
	for i, row := range r.rows {
		if len(r.columns) == 1 {
			all[i] = row[0]
			continue
		}
		fields := make(map[string]any, len(row))
		for c, name := range r.columns {
			fields[name] = row[c]
		}
		all[i] = fields
	}
	return all
}

// query runs a statement to its end. The driver turns text in columns declared as
// dates into times, of which the text cannot be had back; such a statement is
// asked once more so that no column is declared.
func query(ctx context.Context, conn *sql.Conn, statement string, args []any) (result, error) {
	rows, err := conn.QueryContext(ctx, statement, args...)
	if err != nil {
		return result{}, err
	}
	columns, dates, err := describe(rows)
	if err != nil {
		return result{}, errors.Join(err, rows.Close())
	}
	if dates && selects(statement) {
		// What follows the statement, such as a comment behind its semicolon, may keep
		// it from standing inside another: then the times must do.
		if texts, err := conn.QueryContext(ctx, undeclared(statement, columns), args...); err == nil {
			if err := rows.Close(); err != nil {
				return result{}, errors.Join(err, texts.Close())
			}
			rows = texts
		}
	}
	all, err := collect(rows, len(columns))
	if err = errors.Join(err, rows.Close()); err != nil {
		return result{}, err
	}
	return result{columns: columns, rows: all}, nil
}

func describe(rows *sql.Rows) (columns []string, dates bool, err error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, false, err
	}
	for _, t := range types {
		columns = append(columns, t.Name())
		dates = dates || slices.Contains([]string{"DATE", "DATETIME", "TIMESTAMP"}, strings.ToUpper(t.DatabaseTypeName()))
	}
	return columns, dates, nil
}

// selects says that a statement reads only, and can stand inside another.
func selects(statement string) bool {
	word := firstWord(statement)
	return strings.EqualFold(word, "SELECT") || strings.EqualFold(word, "VALUES")
}

// undeclared is the same query with expressions for columns: those have no
// declared type. The line end keeps a comment at the end of the statement from
// swallowing what follows.
func undeclared(statement string, columns []string) string {
	var names, picks []string
	for i, column := range columns {
		names = append(names, fmt.Sprintf("c%d", i))
		picks = append(picks, fmt.Sprintf(`+c%d AS "%s"`, i, strings.ReplaceAll(column, `"`, `""`)))
	}
	return "WITH troupe_rows(" + strings.Join(names, ", ") + ") AS (" +
		strings.TrimRight(statement, "; \t\r\n") + "\n) SELECT " + strings.Join(picks, ", ") + " FROM troupe_rows"
}

func collect(rows *sql.Rows, columns int) ([][]any, error) {
	var all [][]any
	size := 0
	for rows.Next() {
		row, slots := make([]any, columns), make([]any, columns)
		for i := range row {
			slots[i] = &row[i]
		}
		if err := rows.Scan(slots...); err != nil {
			return nil, err
		}
		for i := range row {
			row[i] = plain(row[i])
			if text, ok := row[i].(string); ok {
				size += len(text)
			}
		}
		if all = append(all, row); size > MaxResult || len(all) > maxRows {
			return nil, errTooLarge
		}
	}
	return all, rows.Err()
}

// plain is a value of the driver's without its types of its own.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case time.Time: // from a statement that cannot be asked twice
		return v.Format("2006-01-02 15:04:05")
	}
	return v
}
