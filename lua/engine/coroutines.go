package engine

import (
	"runtime"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// mostCoroutines is how many coroutines of one state may exist: some eight
// kilobytes each, and more with calls in them.
const mostCoroutines = 10_000

// lettingGo is how long a state that has too many coroutines waits for the garbage
// collector to say that some are gone.
const lettingGo = time.Second

// coroutines counts those of a state. One counts until the collector has found
// that nobody can reach it, dead or not.
type coroutines struct{ there *atomic.Int64 }

func newCoroutines() coroutines { return coroutines{new(atomic.Int64)} }

// room says whether there may be one more. When there are too many it has the
// garbage collected first.
func (c coroutines) room() bool {
	if c.there.Load() < mostCoroutines {
		return true
	}
	collected := make(chan struct{})
	runtime.AddCleanup(new(bait), func(collected chan struct{}) { close(collected) }, collected)
	runtime.GC()
	patience := time.NewTimer(lettingGo)
	defer patience.Stop()
	select {
	case <-collected: // and so have the others
	case <-patience.C:
	}
	return c.there.Load() < mostCoroutines
}

// bait is garbage whose collection somebody waits for. It has a pointer, since the
// runtime may keep small values without any together with others.
type bait struct{ _ *bait }

// add counts one until it is collected.
func (c coroutines) add(th *lua.LState) {
	c.there.Add(1)
	runtime.AddCleanup(th, func(there *atomic.Int64) { there.Add(-1) }, c.there)
}
