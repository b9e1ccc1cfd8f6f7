package logging

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFormat is why New refuses Options.
var ErrFormat = errors.New("invalid log format")

// Options say where the lines go and how they look. The zero value is usable:
// it writes nothing, in the full format, to stderr.
type Options struct {
	// Writer is given each record in one Write, never two at once. It stays
	// the caller's, who closes it after the last record. Nil is os.Stderr.
	Writer io.Writer
	// Format is "full", "compact", "pretty" or "json"; empty is "full".
	// Compact differs from full only in spans, which there are none of.
	Format string
	// Color puts ANSI escapes around the time, the level and the target. JSON has none.
	Color bool
	// Filter is the first one; see Logging.SetFilter.
	Filter Filter
	// Clock stamps the records. Nil takes the time slog took when it was called.
	Clock func() time.Time
}

// Logging is where all loggers of a process meet: it owns the filter and the
// order of the lines. All methods may be called from any goroutine.
type Logging struct {
	writer io.Writer
	format format
	clock  func() time.Time

	writing sync.Mutex // around writer
	buffers sync.Pool  // of *[]byte, one record each

	// table is replaced whole, under changing, so that a reader sees the
	// filter and the thresholds made from it together.
	changing sync.Mutex
	table    atomic.Pointer[table]
}

// table is a filter worked out for each target that has a logger. It is never
// changed, so that Enabled is one load and one comparison.
type table struct {
	filter     Filter
	index      map[string]int // target → place in thresholds
	thresholds []slog.Level
}

// New gives a Logging. The error wraps ErrFormat.
func New(o Options) (*Logging, error) {
	f, err := newFormat(o.Format, o.Color)
	if err != nil {
		return nil, err
	}
	l := &Logging{writer: o.Writer, format: f, clock: o.Clock}
	if l.writer == nil {
		l.writer = os.Stderr
	}
	l.buffers.New = func() any { return new([]byte) }
	l.table.Store(newTable(o.Filter, map[string]int{}))
	return l, nil
}

// Logger is a logger whose lines belong to target.
//
// An attribute "target" with a string for its value, outside any group, sets
// the target too and is not printed as an attribute: with Logger.With for
// the logger it gives, in a record for that record. Whether a record is worth
// making is asked before it is known, so the logger's own target must let it
// pass as well; a logger of target "" asks the loosest directive of the filter
// and leaves the rest to the record.
//
// A target takes a few bytes for good: it names a part of the program, not a
// client.
func (l *Logging) Logger(target string) *slog.Logger {
	return slog.New(&handler{logging: l, target: target, index: l.indexOf(target)})
}

// SetFilter replaces the filter of all loggers at once. A record made at the
// same time is judged by the old one or the new one.
func (l *Logging) SetFilter(f Filter) {
	l.changing.Lock()
	defer l.changing.Unlock()
	l.table.Store(newTable(f, l.table.Load().index))
}

// Filter is the filter in force.
func (l *Logging) Filter() Filter { return l.table.Load().filter }

// indexOf is target's place in every table from now on.
func (l *Logging) indexOf(target string) int {
	l.changing.Lock()
	defer l.changing.Unlock()
	old := l.table.Load()
	if i, found := old.index[target]; found {
		return i
	}
	index := maps.Clone(old.index)
	index[target] = len(index)
	l.table.Store(newTable(old.filter, index))
	return index[target]
}

func newTable(f Filter, index map[string]int) *table {
	t := &table{filter: f, index: index, thresholds: make([]slog.Level, len(index))}
	for target, i := range index {
		level := f.level(target)
		if target == "" {
			level = f.loosest() // the record may name its target yet
		}
		t.thresholds[i] = level.threshold()
	}
	return t
}

// write takes the only lock a record meets.
func (l *Logging) write(line []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if _, err := l.writer.Write(line); err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	return nil
}
