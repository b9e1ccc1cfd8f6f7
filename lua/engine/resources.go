package engine

import (
	"sync"
)

// resources are the open files and running children of a state. Whoever takes one
// out closes it: Lua code, Close, or the garbage collector, which says from a
// goroutine of its own that Lua code has lost one.
type resources struct {
	mu   sync.Mutex
	open map[*file]struct{}
}

func (r *resources) add(f *file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[*file]struct{}{}
	}
	r.open[f] = struct{}{}
}

// take says whether the file was there.
func (r *resources) take(f *file) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.open[f]
	delete(r.open, f)
	return ok
}

// takeAll empties the set.
func (r *resources) takeAll() map[*file]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.open
	r.open = nil
	return all
}

func (r *resources) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// lost is a file whose Lua value is gone, and what it belongs to.
type lost struct {
	from *resources
	file *file
}

// collect is what the collector calls; it must not wait there.
func collect(l lost) { go l.close() }

func (l lost) close() {
	if l.from.take(l.file) {
		_ = l.file.Close() // nobody is left to be told
	}
}
