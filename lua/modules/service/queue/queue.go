package queue

import (
	"context"
	"errors"
	"sync"
)

var (
	errClosed = errors.New("the queue is closed")
	errFull   = errors.New("the queue is full")
)

// queue passes values from any state to any other, first in, first out. Its
// methods may be called from any goroutine.
type queue struct {
	capacity int

	mu      sync.Mutex
	values  []any
	closed  bool
	changed chan struct{} // closed, and replaced, whenever one of the above changes
}

func newQueue(capacity int) *queue {
	return &queue{capacity: capacity, changed: make(chan struct{})}
}

// turn tells everybody who waits to look again. The caller holds the lock.
func (q *queue) turn() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// trySend puts v in unless that cannot be done now; then wait is closed when it
// is worth trying again.
func (q *queue) trySend(v any) (wait <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return nil, errClosed
	case len(q.values) >= q.capacity:
		return q.changed, errFull
	}
	q.values = append(q.values, v)
	q.turn()
	return nil, nil
}

// send waits for room until ctx is done.
func (q *queue) send(ctx context.Context, v any) error {
	for {
		wait, err := q.trySend(v)
		if !errors.Is(err, errFull) {
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryReceive takes up to limit values out. Without any, ended says that there will
// be none, or else wait is closed when it is worth trying again.
func (q *queue) tryReceive(limit int) (values []any, wait <-chan struct{}, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.values) == 0 {
		return nil, q.changed, q.closed
	}
	n := min(limit, len(q.values))
	values = append(values, q.values[:n]...)
	clear(q.values[:n])
	if q.values = q.values[n:]; len(q.values) == 0 {
		q.values = nil // let go of the memory that a long queue took
	}
	q.turn()
	return values, nil, false
}

// receive waits for a value until ctx is done. The queue has ended when there is
// neither a value nor an error.
func (q *queue) receive(ctx context.Context, limit int) ([]any, error) {
	for {
		values, wait, ended := q.tryReceive(limit)
		if len(values) > 0 || ended {
			return values, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// close lets no more values in; those inside can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		q.turn()
	}
}

func (q *queue) state() (length int, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.values), q.closed
}
