package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/troupe-proxy/troupe/lua/duration"
)

// printJSON passes on what the daemon said, with a newline at its end.
func printJSON(out io.Writer, raw []byte) error {
	raw = bytes.TrimRight(raw, "\n")
	if len(raw) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "%s\n", raw)
	return err
}

// table is aligned text.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer, head ...string) *table {
	t := &table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	if len(head) > 0 {
		t.row(head...)
	}
	return t
}

// row adds one. A client may choose its user's name: what a terminal would obey
// is written out.
func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = visible(cell)
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), " "))
}

func (t *table) flush() error { return t.w.Flush() }

// count is the line below a part of a list: how many it has of how many there are, with
// more to be said of that, and how to go on.
func count(out io.Writer, listed, total int, of, next string) error {
	more := ""
	if next != "" {
		more = "; go on with --after " + visible(next)
	}
	_, err := fmt.Fprintf(out, "%d of %d %s%s\n", listed, total, of, more)
	return err
}

// numbered is a number with what there are that many of.
func numbered(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}

// visible is a text on one line that a terminal can be shown.
func visible(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// orDash shows that there is nothing.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// span is a time in whole seconds, as in "1m 30s".
func span(seconds float64) string {
	return duration.Format(time.Duration(seconds) * time.Second)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}
