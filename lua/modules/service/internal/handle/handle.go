// Package handle closes what a script forgets to close: open files and databases
// in memory. Each is closed by the script, with its Lua state, with the process,
// or by the garbage collector, whichever comes first.
//
// It opens nothing. What it closes comes from the modules that open it.
package handle

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// PerState is how many handles one state has open at most. One more closes the
// oldest of them: a script that relies on the collector never holds many.
const PerState = 64

// ErrClosed is the error of using a handle that is closed.
var ErrClosed = errors.New("it is closed")

// Store holds all handles of a process. Its methods may be called from any
// goroutine, except as said.
type Store struct {
	mu     sync.Mutex
	open   map[io.Closer]struct{}
	closed bool
}

// Handle is one of them, on the side of the script.
type Handle struct {
	store   *Store
	closer  io.Closer
	cleanup runtime.Cleanup
}

// NewStore is an empty store.
func NewStore() *Store { return &Store{open: map[io.Closer]struct{}{}} }

// Add takes c over: from here on the store closes it. It is called in the
// goroutine of L. When the store is closed already, c is closed and the error is
// ErrClosed. c must be comparable.
func (s *Store) Add(L *lua.LState, c io.Closer) (*Handle, error) {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.open[c] = struct{}{}
	}
	s.mu.Unlock()
	if closed {
		return nil, errors.Join(ErrClosed, c.Close())
	}
	h := &Handle{store: s, closer: c}
	h.cleanup = runtime.AddCleanup(h, s.forget, c)
	held := heldBy(L)
	held.handles = append(held.handles, h)
	if len(held.handles) > PerState {
		oldest := held.handles[0]
		held.handles = slices.Delete(held.handles, 0, 1)
		_ = oldest.closer.Close() // nobody asked, so nobody is told
		s.drop(oldest.closer)
	}
	return h, nil
}

// forget closes what the collector found unreachable.
func (s *Store) forget(c io.Closer) {
	if s.drop(c) {
		_ = c.Close() // its script has gone
	}
}

// drop says whether c was still open.
func (s *Store) drop(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.open[c]
	delete(s.open, c)
	return ok
}

// Close closes what the handle holds; a second time it does nothing. It is called
// in the goroutine of L, the state that Add was called with.
func (h *Handle) Close(L *lua.LState) error {
	held := heldBy(L)
	held.handles = slices.DeleteFunc(held.handles, func(other *Handle) bool { return other == h })
	h.cleanup.Stop()
	if !h.store.drop(h.closer) {
		return nil
	}
	return h.closer.Close()
}

// Open says whether it is open.
func (h *Handle) Open() bool {
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	_, ok := h.store.open[h.closer]
	return ok
}

// Close closes all handles of all states, and every one that is added later.
func (s *Store) Close() error {
	s.mu.Lock()
	open := s.open
	s.open, s.closed = map[io.Closer]struct{}{}, true
	s.mu.Unlock()
	var all []error
	for c := range open {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}

// CloseState closes the handles of one state. It is called in the goroutine of L,
// when no Lua code runs in it.
func CloseState(L *lua.LState) error {
	held := heldBy(L)
	var all []error
	for _, h := range held.handles {
		h.cleanup.Stop()
		if h.store.drop(h.closer) {
			all = append(all, h.closer.Close())
		}
	}
	held.handles = nil
	return errors.Join(all...)
}

// held are the handles of one state, oldest first.
type held struct{ handles []*Handle }

// heldKey is where the registry, which scripts do not see, keeps them.
const heldKey = "troupe.handles"

func heldBy(L *lua.LState) *held {
	registry := L.G.Registry
	if u, ok := registry.RawGetString(heldKey).(*lua.LUserData); ok {
		if h, ok := u.Value.(*held); ok {
			return h
		}
	}
	u, h := L.NewUserData(), &held{}
	u.Value = h
	registry.RawSetString(heldKey, u)
	return h
}
