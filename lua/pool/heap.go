package pool

import (
	"cmp"
	"context"
	"runtime/metrics"
	"sync"
	"time"
)

// watchEvery is how often the heap is looked at while calls run. A call is not
// looked at before its second look, so that the many short ones cost nothing.
const watchEvery = 10 * time.Millisecond

// DefaultHeapBudget is by how many bytes the heap may grow while a call runs when
// nothing else is said.
const DefaultHeapBudget = 256 << 20

// Watch calls f and has its context end, with ErrHeap as the cause, when f fills
// the memory: see Options.HeapBudget. It is for Lua that runs in no pool. f runs in
// the goroutine of the caller, and Watch returns what it returns.
func Watch(ctx context.Context, budget uint64, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newWatchdog(cmp.Or(budget, DefaultHeapBudget), heapInUse)
	defer w.close()
	call := w.enter(cancel)
	defer w.leave(call)
	return f(ctx)
}

// watchdog ends calls that fill the memory. It is one goroutine, which lives
// while calls run.
//
// What it bounds: a call that has run for 10 to 20 ms is ended, at its next
// look at the context, once the heap of the whole process is more than the
// budget above what it was when the call began. Go does not tell who allocated
// what, so every call that runs then is ended, the innocent with the guilty, and
// what the rest of the process allocates meanwhile counts too; garbage counts
// until it is collected. Between two looks a call can allocate as fast as the
// memory is: the budget is overshot by some hundred megabytes at worst. What a
// single instruction of Lua takes is bounded by the longest string, see
// engine.Options.
type watchdog struct {
	budget uint64
	heap   func() uint64 // bytes in use

	mu       sync.Mutex
	calls    map[*watched]struct{}
	last     uint64        // heap at the last look
	watching chan struct{} // closed when the goroutine has ended; nil: there is none
	stop     chan struct{} // closed to end it
}

// watched is one running call.
type watched struct {
	cancel context.CancelCauseFunc
	base   uint64 // heap when it began
	looks  int
}

func newWatchdog(budget uint64, heap func() uint64) *watchdog {
	return &watchdog{budget: budget, heap: heap, calls: make(map[*watched]struct{})}
}

// heapInUse is what objects occupy, those included that are dead and not swept.
func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// enter has a call watched until leave.
func (w *watchdog) enter(cancel context.CancelCauseFunc) *watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watching == nil {
		w.last = w.heap()
		w.watching, w.stop = make(chan struct{}), make(chan struct{})
		go w.watch(w.watching, w.stop)
	}
	c := &watched{cancel: cancel, base: w.last}
	w.calls[c] = struct{}{}
	return c
}

func (w *watchdog) leave(c *watched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.calls, c)
}

// watch looks at the heap until a look finds no call running.
func (w *watchdog) watch(ended chan<- struct{}, stop <-chan struct{}) {
	defer close(ended)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if !w.look() {
				return
			}
		}
	}
}

// look reports whether there is anything to look at again.
func (w *watchdog) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) == 0 {
		w.watching = nil
		return false
	}
	w.last = w.heap()
	for c := range w.calls {
		c.looks++
		if c.looks > 1 && w.last > c.base && w.last-c.base > w.budget {
			c.cancel(ErrHeap)
		}
	}
	return true
}

// close ends the goroutine, if there is one, and waits for it.
func (w *watchdog) close() {
	w.mu.Lock()
	watching, stop := w.watching, w.stop
	w.watching = nil
	w.mu.Unlock()
	if watching != nil {
		close(stop)
		<-watching
	}
}
