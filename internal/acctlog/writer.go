package acctlog

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	flushEvery = time.Second
	// sayEvery is how often at most the daemon's log is told of one kind of trouble.
	sayEvery = time.Minute
)

// entry is a record and when it came.
type entry struct {
	record record
	at     time.Time
}

// writer is the goroutine that writes, from newWriter until its queue is closed
// and empty.
type writer struct {
	config  Config
	log     *slog.Logger
	queue   chan entry
	done    chan struct{}
	dropped atomic.Uint64

	// Of the goroutine alone.
	segment *segment
	failed  time.Time // when the daemon's log was told last
	checked time.Time // when the disk was looked at last
	lost    uint64    // of dropped, what was said
}

// newWriter begins to write once the writer before has ended, if there is one.
func newWriter(c Config, log *slog.Logger, before <-chan struct{}) *writer {
	w := &writer{config: c, log: log, queue: make(chan entry, c.BackPressure), done: make(chan struct{})}
	go w.run(before)
	return w
}

func (w *writer) add(e entry) {
	select {
	case w.queue <- e:
	default:
		w.dropped.Add(1)
	}
}

func (w *writer) run(before <-chan struct{}) {
	defer close(w.done)
	if before != nil {
		<-before
	}
	if err := finishLeftovers(w.config.Dir); err != nil {
		w.fail(time.Now(), "what was left of the accounting log could not be finished", err)
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case e, more := <-w.queue:
			if !more {
				w.protect(func() { w.finish(time.Now()) })
				w.admit()
				return
			}
			w.protect(func() { w.write(e) })
		case now := <-tick.C:
			w.protect(func() { w.tidy(now) })
		}
	}
}

// protect keeps a fault in one record from ending the daemon.
func (w *writer) protect(f func()) {
	defer func() {
		if reason := recover(); reason != nil {
			w.segment = nil
			w.fail(time.Now(), "the accounting log failed", fmt.Errorf("internal error: %v", reason))
		}
	}()
	f()
}

func (w *writer) write(e entry) {
	line, err := e.record.line(e.at)
	if err == nil && w.segment == nil {
		w.segment, err = openSegment(&w.config, e.at)
	}
	if err == nil {
		err = w.segment.write(line)
	}
	if err != nil {
		w.dropped.Add(1)
		w.fail(time.Now(), "the accounting log cannot be written", err)
		w.finish(time.Now())
		return
	}
	if w.segment.full(&w.config, time.Now()) {
		w.finish(time.Now())
	}
}

// tidy is done each second.
func (w *writer) tidy(now time.Time) {
	if w.segment != nil {
		if err := w.segment.flush(); err != nil {
			w.fail(now, "the accounting log cannot be written", err)
			w.finish(now)
		} else if w.segment.full(&w.config, now) {
			w.finish(now)
		}
	}
	if now.Sub(w.checked) < sayEvery {
		return
	}
	w.checked = now
	w.admit()
	if scarce(&w.config) {
		w.log.Warn("the disk of the accounting log has less free than min_free_space or min_free_inodes", slog.String("log_dir", w.config.Dir))
	}
}

// admit says how many records were lost.
func (w *writer) admit() {
	if dropped := w.dropped.Load(); dropped > w.lost {
		w.log.Error("records of the accounting log were lost", slog.Uint64("records", dropped-w.lost))
		w.lost = dropped
	}
}

// finish ends the segment, if there is one.
func (w *writer) finish(now time.Time) {
	if w.segment == nil {
		return
	}
	if err := w.segment.finish(); err != nil {
		w.fail(now, "a segment of the accounting log could not be finished", err)
	}
	w.segment = nil
}

// fail tells the daemon's log, not too often.
func (w *writer) fail(now time.Time, what string, err error) {
	if now.Sub(w.failed) < sayEvery {
		return
	}
	w.failed = now
	w.log.Error(what, slog.String("log_dir", w.config.Dir), slog.Any("error", err))
}
