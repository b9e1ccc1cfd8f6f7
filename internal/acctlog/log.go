package acctlog

import (
	"log/slog"
	"sync"
	"time"
)

// Log is the accounting log of the process. It belongs to whoever made it, outlives
// every policy, and is closed last. Its methods may be called from any goroutine
// and never wait, except Close; those of a nil *Log do nothing.
type Log struct {
	log *slog.Logger

	mu     sync.RWMutex    // held by writers while the queue is closed
	writer *writer         // nil: no policy asks for a log
	ending <-chan struct{} // closed once all writers before have ended; nil: there was none
	closed bool
}

// New is a log that writes nothing until it is configured. What goes wrong with it
// is told to log.
func New(log *slog.Logger) *Log { return &Log{log: log} }

// Configure has the log written as c says, or no more if c is nil. What is the same
// as before goes on as before; otherwise what waits is written first as before.
func (l *Log) Configure(c *Config) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.writer == nil && c == nil || l.writer != nil && c != nil && l.writer.config == *c {
		return
	}
	l.stop()
	if c != nil {
		l.writer = newWriter(*c, l.log, l.ending)
	}
}

// stop lets the writer, if there is one, come to its end. Whoever writes next waits
// for that, however long nobody writes meanwhile: it would take the segment that is
// not finished yet for one that was left over.
func (l *Log) stop() {
	if l.writer != nil {
		close(l.writer.queue)
		l.ending, l.writer = l.writer.done, nil
	}
}

// Authentication has a login written.
func (l *Log) Authentication(a Authentication) { l.add(a) }

// Authorization has a decision written.
func (l *Log) Authorization(a Authorization) { l.add(a) }

func (l *Log) add(r record) {
	if l == nil {
		return
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.writer != nil && r.wanted(&l.writer.config) {
		l.writer.add(entry{record: r, at: time.Now()})
	}
}

// Close writes what waits, for as long as patience allows, and reports whether all
// of it was. After it nothing is written.
func (l *Log) Close(patience time.Duration) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	l.closed = true
	l.stop()
	done := l.ending
	l.mu.Unlock()
	if done == nil {
		return true
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-done:
		return true
	case <-limit.C:
		return false
	}
}
