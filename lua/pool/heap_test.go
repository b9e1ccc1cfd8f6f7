package pool

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The heap is the test's: it says how much is in use.
func heapRig(t *testing.T, used *atomic.Uint64) *rig {
	return newRig(t, func(o *Options[*thing]) { o.HeapBudget, o.heap = 100, used.Load })
}

func TestHeapBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used atomic.Uint64
		used.Store(1000)
		r := heapRig(t, &used)
		defer r.Close()
		began := time.Now()
		_, err := r.call(func(ctx context.Context) error {
			used.Store(1101)
			<-ctx.Done()
			return ctx.Err()
		})
		if got := time.Since(began); !errors.Is(err, ErrHeap) || got < watchEvery || got > 3*watchEvery {
			t.Errorf("got %v after %v; want ErrHeap at the second look", err, got)
		}
		// The next one begins at what the last one has left behind.
		_, err = r.call(func(ctx context.Context) error {
			used.Store(1201)
			wait(time.Second)
			return ctx.Err()
		})
		if err != nil {
			t.Errorf("got %v; want a call within its own budget to succeed", err)
		}
	})
}

// A heap that shrinks during a call is below its beginning, not far above it.
func TestHeapShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used atomic.Uint64
		used.Store(1000)
		r := heapRig(t, &used)
		defer r.Close()
		r.mustCall(func(context.Context) error { used.Store(10); wait(time.Second); return nil })
	})
}

// Short calls are what the pool is for: they are not ended for what the rest of
// the process does.
func TestShortCallsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used atomic.Uint64
		r := heapRig(t, &used)
		defer r.Close()
		for range 20 {
			r.mustCall(func(ctx context.Context) error { used.Add(1000); wait(watchEvery * 3 / 4); return ctx.Err() })
		}
	})
}

// The watchdog is there while calls run and not otherwise; goleak would see it.
func TestWatchdogLivesWithCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used atomic.Uint64
		r := heapRig(t, &used)
		r.mustCall(nothing)
		wait(3 * watchEvery)
		r.watchdog.mu.Lock()
		watching := r.watchdog.watching
		r.watchdog.mu.Unlock()
		if watching != nil {
			t.Error("the watchdog watches although no call runs")
		}
		r.mustCall(nothing)
		r.Close()
	})
}

func TestHeapInUseIsReal(t *testing.T) {
	before := heapInUse()
	keep := make([]byte, 32<<20)
	if after := heapInUse(); before == 0 || after < before+16<<20 {
		t.Errorf("heap went from %d to %d with %d bytes more; want it to grow", before, after, len(keep))
	}
	keep[0] = 1
}

// What runs in no pool has the same bound.
func TestWatch(t *testing.T) {
	err := Watch(t.Context(), 32<<20, func(ctx context.Context) error {
		var all [][]byte
		for ctx.Err() == nil {
			all = append(all, make([]byte, 1<<20))
		}
		return errors.Join(context.Cause(ctx), fmt.Errorf("after %d MiB", len(all)))
	})
	if !errors.Is(err, ErrHeap) {
		t.Errorf("got %v; want ErrHeap", err)
	}
	if err := Watch(t.Context(), 0, func(ctx context.Context) error { return ctx.Err() }); err != nil {
		t.Errorf("got %v; want what the function returned", err)
	}
}
