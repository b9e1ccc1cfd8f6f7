package handle

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type closer struct{ closed atomic.Int32 }

var errClosing = errors.New("closing")

func (c *closer) Close() error {
	c.closed.Add(1)
	return errClosing
}

func mustAdd(t *testing.T, s *Store, L *lua.LState) (*Handle, *closer) {
	t.Helper()
	c := &closer{}
	h, err := s.Add(L, c)
	if err != nil {
		t.Fatal(err)
	}
	return h, c
}

func TestEachWayClosesOnce(t *testing.T) {
	s, L := NewStore(), lua.NewState()
	defer L.Close()
	other := lua.NewState()
	defer other.Close()
	byScript, a := mustAdd(t, s, L)
	byState, b := mustAdd(t, s, L)
	byStore, c := mustAdd(t, s, other)
	if err := byScript.Close(L); !errors.Is(err, errClosing) || byScript.Open() || !byState.Open() {
		t.Errorf("by the script: got %v; want the error of closing that one", err)
	}
	if err := CloseState(L); !errors.Is(err, errClosing) || byState.Open() || !byStore.Open() {
		t.Errorf("by the state: got %v; want the error of closing those of this state", err)
	}
	if err := s.Close(); !errors.Is(err, errClosing) || byStore.Open() {
		t.Errorf("by the store: got %v; want the error of closing the rest", err)
	}
	if err := errors.Join(byScript.Close(L), byStore.Close(other), CloseState(other), s.Close()); err != nil {
		t.Errorf("again: got %v; want nil", err)
	}
	for _, c := range []*closer{a, b, c} {
		if got := c.closed.Load(); got != 1 {
			t.Errorf("got closed %d times; want 1", got)
		}
	}
	late := &closer{}
	if _, err := s.Add(L, late); !errors.Is(err, ErrClosed) || late.closed.Load() != 1 {
		t.Errorf("after the end: got %v; want %v, and closed", err, ErrClosed)
	}
}

// A state that nobody closes, because a script hangs in it, must not keep its
// files open for good.
func TestCollectorCloses(t *testing.T) {
	s, c := NewStore(), &closer{}
	func() {
		L := lua.NewState()
		if _, err := s.Add(L, c); err != nil {
			t.Error(err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); c.closed.Load() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it was not closed")
		}
		runtime.GC()
	}
	if len(s.open) != 0 {
		t.Errorf("got %d open; want none", len(s.open))
	}
}
