package accesslog

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Log is the access log of the process. It belongs to whoever made it, outlives
// every policy, and is closed last. Its methods may be called from any goroutine;
// those of a nil *Log do nothing. Reopen and Close wait, the others never do.
type Log struct {
	log    *slog.Logger
	stdout io.Writer
	counts counts

	writer atomic.Pointer[writer] // nil: no policy asks for a log

	mu     sync.Mutex
	closed bool
	ending []*writer // that may not have come to their end
}

// counts are what becomes of lines, over all files.
type counts struct{ written, lost, failures atomic.Uint64 }

// Counts are figures of the log since the process began.
type Counts struct {
	// Written is the lines that were written, and Lost those that never will be.
	Written, Lost uint64
	// Failures is how often the file could not be opened or written.
	Failures uint64
}

// ErrNone says that there is no file to open again.
var ErrNone = errors.New("the policy configures no access log")

// New is a log that writes nothing until it is configured. What goes wrong with it
// is told to log. Stdout is what Path "-" stands for; it stays the caller's.
func New(log *slog.Logger, stdout io.Writer) *Log { return &Log{log: log, stdout: stdout} }

// Configure has the log written as c says, or no more if c is nil. What is the same
// as before goes on as before; what waits is written as before in any case. The
// file is opened soon after: trouble with it is told to the daemon's log.
func (l *Log) Configure(c *Config) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.writer.Load()
	if l.closed || before == nil && c == nil || before != nil && c != nil && before.config == *c {
		return
	}
	var next *writer
	if c != nil {
		next = newWriter(*c, l)
		if before != nil && before.config.Path == c.Path {
			next.before = before.done // two would mix their lines
		}
		go next.run()
	}
	l.replace(before, next)
}

// replace takes another writer, nil for none. Whoever finds the one before closed
// finds the next one.
func (l *Log) replace(before, next *writer) {
	l.writer.Store(next)
	if before == nil {
		return
	}
	before.close()
	still := l.ending[:0]
	for _, w := range append(l.ending, before) {
		if !w.hasEnded() {
			still = append(still, w)
		}
	}
	l.ending = still
}

// Wants says whether sessions are of any use to the log.
func (l *Log) Wants() bool { return l != nil && l.writer.Load() != nil }

// Add has a line written.
func (l *Log) Add(s *Session) {
	if l == nil {
		return
	}
	for w := l.writer.Load(); w != nil; w = l.writer.Load() {
		if w.add(s) {
			return
		}
	}
}

// Reopen writes what waits, opens the file anew by its path and closes the old one.
// With an error the lines go where they went before. It waits for the disk, for as
// long as ctx lives.
func (l *Log) Reopen(ctx context.Context) error {
	if !l.Wants() {
		return ErrNone
	}
	w := l.writer.Load()
	if w == nil {
		return ErrNone
	}
	answer := make(chan error, 1)
	select {
	case w.orders <- answer:
	case <-w.done:
		return nil // another one took its place, with a file just opened
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Counts says what has become of lines.
func (l *Log) Counts() Counts {
	if l == nil {
		return Counts{}
	}
	return Counts{Written: l.counts.written.Load(), Lost: l.counts.lost.Load(), Failures: l.counts.failures.Load()}
}

// Close writes what waits, for as long as patience allows, and reports whether the
// log has come to its end. After it nothing is written.
func (l *Log) Close(patience time.Duration) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	l.closed = true
	l.replace(l.writer.Load(), nil)
	ending := l.ending
	l.mu.Unlock()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for _, w := range ending {
		select {
		case <-w.done:
		case <-limit.C:
			return false
		}
	}
	return true
}
