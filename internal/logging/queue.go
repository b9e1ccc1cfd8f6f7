package logging

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Queue stands before a writer that may block, such as a pipe that nobody
// reads: whoever logs is never held up by it. One goroutine writes; when it is
// behind by more than the queue holds, lines are lost and counted, and the
// count is written once there is room again. Write may be called from any
// goroutine.
type Queue struct {
	out   io.Writer
	lines chan []byte
	done  chan struct{} // closed when the writer has written what there was
	lost  atomic.Uint64

	mu     sync.RWMutex // held shared by Write, so that Close closes lines once nobody sends
	closed bool
}

// NewQueue starts the goroutine; Close ends it. size is how many lines may wait.
// out stays the caller's.
func NewQueue(out io.Writer, size int) *Queue {
	q := &Queue{out: out, lines: make(chan []byte, size), done: make(chan struct{})}
	go q.run()
	return q
}

// Write queues a copy of line. It never blocks and never fails: a line for
// which there is no room, or that comes after Close, is counted as lost.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		q.lost.Add(1)
		return len(line), nil
	}
	select {
	case q.lines <- append([]byte(nil), line...):
	default:
		q.lost.Add(1)
	}
	return len(line), nil
}

// Lost is how many lines were lost so far.
func (q *Queue) Lost() uint64 { return q.lost.Load() }

// Close writes what is queued, for at most patience, and ends. A writer that
// blocks for longer keeps its goroutine until it returns.
func (q *Queue) Close(patience time.Duration) {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.lines)
	}
	q.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
	}
}

// run is the goroutine that writes.
func (q *Queue) run() {
	defer close(q.done)
	told := uint64(0)
	for line := range q.lines {
		// There is nobody to tell that the log cannot be written.
		_, _ = q.out.Write(line)
		if lost := q.lost.Load(); lost > told {
			_, _ = fmt.Fprintf(q.out, "%d log lines were lost because the log was not read in time\n", lost-told)
			told = lost
		}
	}
}
