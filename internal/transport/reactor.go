//go:build linux

package transport

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// NewReactor returns the transport for Linux and plain TCP: one epoll loop per
// processor owns the sockets of the clients it accepted from accept to close.
// An idle session has two descriptors and no goroutine, buffer or pipe.
//
// The loops start with the first Listen and end when the last listener is
// closed and the last session has ended. Owners are told their events on the
// goroutine of a loop. A listener with TLS is refused: the kernel would carry
// its records, and not what is in them.
func NewReactor(o ReactorOptions) (Network, error) { return newReactor(o, newBudget()) }

// newReactor is NewReactor with a budget that others may share.
func newReactor(o ReactorOptions, shared *budget) (Network, error) {
	if o.Loops < 0 {
		return nil, fmt.Errorf("epoll reactor: %d loops", o.Loops)
	}
	if o.Loops == 0 {
		o.Loops = runtime.GOMAXPROCS(0)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	return &reactor{options: o, over: over, budget: shared, quota: &pipeQuota{limit: pipesStalled}}, nil
}

// reactor is the Network.
type reactor struct {
	options ReactorOptions
	over    context.Context // has ended: asks for what is there without waiting
	budget  *budget
	quota   *pipeQuota

	mu   sync.Mutex
	crew *crew // the loops at work, if there are any
}

// crew is a set of loops that start and end together. It counts those who need
// them: listeners and sessions.
type crew struct {
	loops []*loop
	users atomic.Int64 // once 0 it stays 0
}

// hire returns running loops, in use by the caller until it calls dismiss.
func (r *reactor) hire() (*crew, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.crew != nil && r.crew.join() {
		return r.crew, nil
	}
	w := &crew{}
	w.users.Store(1)
	for range r.options.Loops {
		l, err := newLoop(w, r.budget, r.quota)
		if err != nil {
			for _, l := range w.loops {
				l.close()
			}
			return nil, err
		}
		w.loops = append(w.loops, l)
	}
	for _, l := range w.loops {
		go l.run()
	}
	r.crew = w
	return w, nil
}

// join counts one more user, unless the last has gone already.
func (w *crew) join() bool {
	for {
		n := w.users.Load()
		if n == 0 {
			return false
		}
		if w.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// dismiss counts a user less; the last one ends the loops.
func (w *crew) dismiss() {
	if w.users.Add(-1) > 0 {
		return
	}
	for _, l := range w.loops {
		l.do(l.stop)
	}
}
