package accesslog

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	flushEvery = time.Second
	// sayEvery is how often at most the daemon's log is told of one kind of trouble.
	sayEvery = time.Minute
	// wakeAt is how many bytes are written before a second is over.
	wakeAt = 64 << 10
	// keptRoom is the largest buffer that is kept for the next lines.
	keptRoom = 1 << 20
)

// writer writes one log as one Config says, from newWriter until it is closed and
// has written what it was given.
type writer struct {
	config Config
	log    *slog.Logger
	stdout io.Writer
	counts *counts
	before <-chan struct{} // that of the writer of the same file before; may be nil

	wake   chan struct{} // much waits
	orders chan chan<- error
	ended  chan struct{} // closed by close
	done   chan struct{} // closed once the goroutine has ended

	mu      sync.Mutex
	waiting []byte // whole lines
	lines   int    // that are not written, those in current included
	closed  bool

	// Of the goroutine alone.
	current []byte // whole lines, before those that wait
	room    []byte // of current, to be used again
	file    output // nil: not open
	torn    bool   // the file ends within a line
	failing bool
	failed  trouble
	dropped trouble
	lost    uint64 // of those counted, what was said
}

// output is where lines go.
type output interface {
	io.WriteCloser
	// hold keeps other processes from appending until release is called.
	hold() (release func(), held bool)
	// mend takes the last n bytes off again, which are part of a line.
	mend(n int) error
}

// trouble is when the daemon's log was told of one kind last.
type trouble struct{ said time.Time }

func (t *trouble) due(now time.Time) bool {
	if now.Sub(t.said) < sayEvery {
		return false
	}
	t.said = now
	return true
}

func newWriter(c Config, l *Log) *writer {
	return &writer{
		config: c, log: l.log, stdout: l.stdout, counts: &l.counts,
		wake: make(chan struct{}, 1), orders: make(chan chan<- error),
		ended: make(chan struct{}), done: make(chan struct{}), lost: l.counts.lost.Load(),
	}
}

// add takes a line. False: the writer is closed.
func (w *writer) add(s *Session) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return false
	case s.Probe && !w.config.Probes:
		return true
	case w.lines >= w.config.BufferLines:
		w.counts.lost.Add(1)
		return true
	}
	w.waiting = s.AppendLine(w.waiting)
	w.lines++
	if len(w.waiting) >= wakeAt {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// close lets the goroutine come to its end.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	close(w.ended)
}

func (w *writer) hasEnded() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// run is the goroutine.
func (w *writer) run() {
	defer close(w.done)
	if w.before != nil {
		<-w.before
	}
	w.protect(w.openNow) // so that trouble is told before there is a line
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.wake:
			if !w.failing { // or else each line would try anew
				w.protect(w.flush)
			}
		case now := <-tick.C:
			w.protect(w.flush)
			w.admit(now, w.dropped.due)
		case answer := <-w.orders:
			w.protect(func() { answer <- w.reopen() })
		case <-w.ended:
			w.protect(w.finish)
			w.giveUp()
			return
		}
	}
}

// protect keeps a fault of one write from ending the daemon.
func (w *writer) protect(f func()) {
	defer func() {
		if reason := recover(); reason != nil {
			w.fail(fmt.Errorf("internal error: %v", reason))
		}
	}()
	f()
}

// flush writes what waits. What cannot be written stays.
func (w *writer) flush() {
	for w.take() {
		if !w.ready() {
			return
		}
		if err := w.append(); err != nil {
			w.fail(err)
			return
		}
		w.well()
	}
}

// append writes what is current, as far as it goes, and leaves no half line behind.
func (w *writer) append() error {
	release, held := w.file.hold()
	defer release()
	n, err := w.file.Write(w.current)
	whole := bytes.LastIndexByte(w.current[:n], '\n') + 1
	w.wrote(w.current[:whole])
	w.current = w.current[whole:]
	if part := n - whole; err != nil && part > 0 {
		w.torn = !held || w.file.mend(part) != nil
	}
	return err
}

// take makes current what is to be written next. False: nothing is.
func (w *writer) take() bool {
	if len(w.current) > 0 {
		return true
	}
	if cap(w.room) > keptRoom {
		w.room = nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current, w.waiting = w.waiting, w.room[:0]
	w.room = w.current
	return len(w.current) > 0
}

// wrote counts whole lines.
func (w *writer) wrote(lines []byte) {
	n := bytes.Count(lines, []byte{'\n'})
	w.counts.written.Add(uint64(n))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines -= n
}

// ready sees to it that a line can begin.
func (w *writer) ready() bool {
	if w.file == nil {
		w.openNow()
	}
	if w.file != nil && w.torn {
		if _, err := w.file.Write([]byte{'\n'}); err != nil {
			w.fail(err)
			return false
		}
		w.torn = false
	}
	return w.file != nil
}

// openNow opens the file, if it can be had.
func (w *writer) openNow() {
	file, err := w.open()
	if err != nil {
		w.fail(err)
		return
	}
	w.file = file
}

func (w *writer) open() (output, error) {
	if w.config.Path == Stdout {
		return standard{w.stdout}, nil
	}
	return openFile(w.config.Path, w.config.Mode)
}

// reopen opens the file anew. The old one takes what waits before.
func (w *writer) reopen() error {
	w.flush()
	file, err := w.open()
	if err != nil {
		w.fail(err)
		return err
	}
	old := w.file
	w.file, w.torn = file, false
	if old != nil {
		if err := old.Close(); err != nil {
			w.fail(err)
		}
	}
	w.flush() // what the old one did not take
	w.log.Info("access log reopened", slog.String("path", w.config.Path))
	return nil
}

// finish ends a log whose lines are written, as far as they can be.
func (w *writer) finish() {
	w.flush()
	if w.file == nil {
		return
	}
	if err := w.file.Close(); err != nil {
		w.fail(err)
	}
	w.file = nil
}

// giveUp counts what was not written as lost.
func (w *writer) giveUp() {
	w.mu.Lock()
	left := w.lines
	w.lines, w.waiting, w.current, w.room = 0, nil, nil, nil
	w.mu.Unlock()
	w.counts.lost.Add(uint64(left))
	w.admit(time.Now(), func(time.Time) bool { return true })
}

// fail counts trouble and tells the daemon's log, not too often.
func (w *writer) fail(err error) {
	w.failing = true
	w.counts.failures.Add(1)
	if w.failed.due(time.Now()) {
		w.log.Error("the access log cannot be written, its lines wait",
			slog.String("path", w.config.Path), slog.Any("error", err))
	}
}

// well notes that lines are written.
func (w *writer) well() {
	if w.failing {
		w.failing, w.failed = false, trouble{}
		w.log.Info("the access log is written again", slog.String("path", w.config.Path))
	}
}

// admit says how many lines were lost, if there are any and it is due.
func (w *writer) admit(now time.Time, due func(time.Time) bool) {
	lost := w.counts.lost.Load()
	if lost > w.lost && due(now) {
		w.log.Error("lines of the access log were lost",
			slog.String("path", w.config.Path), slog.Uint64("lines", lost-w.lost))
		w.lost = lost
	}
}
