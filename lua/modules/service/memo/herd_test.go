package memo

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

// try runs code in another goroutine.
func try(ctx context.Context, s *luatest.State, code string) <-chan string {
	done := make(chan string, 1)
	go func() {
		results, err := s.Try(ctx, code)
		if err != nil {
			done <- "raised: " + strings.SplitN(err.Error(), "\n", 2)[0]
			return
		}
		done <- fmt.Sprint(results...)
	}()
	return done
}

// waiting lets the goroutines of a bubble run until all wait.
func waiting(t *testing.T, m *Memo, want int) {
	t.Helper()
	synctest.Wait()
	if got := m.Stats()[0].Waiting; got != want {
		t.Errorf("got %d waiting; want %d", got, want)
	}
}

// herd is a state that runs f behind a gate, and another that asks meanwhile.
func herd(t *testing.T, params string, test func(t *testing.T, m *Memo, g *gate, a, b *luatest.State)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, g := New(nil, nil), newGate()
		gates := map[string]*gate{"g": g}
		a, b := newState(t, m, gates), newState(t, m, gates)
		for name, s := range map[string]*luatest.State{"a": a, "b": b} {
			define(t, s, fmt.Sprintf(`local me, x = %q, ... if x ~= 'quick' then kumo.gate('g') end if x == 'fail' then error('no luck') end return me`, name), params)
		}
		test(t, m, g, a, b)
	})
}

func TestOthersWaitForOneRun(t *testing.T) {
	herd(t, ``, func(t *testing.T, m *Memo, g *gate, a, b *luatest.State) {
		first := try(t.Context(), a, `return f('k')`)
		synctest.Wait()
		second := try(t.Context(), b, `return f('k')`)
		waiting(t, m, 1)
		if got := <-try(t.Context(), newStateLike(t, m, g), `return f('quick')`); got != "c" {
			t.Errorf("other arguments: got %s; want c, without waiting", got)
		}
		close(g.open)
		if x, y := <-first, <-second; x != "a" || y != "a" {
			t.Errorf("got %s and %s; want a twice", x, y)
		}
		waiting(t, m, 0)
		if len(g.reached) != 1 {
			t.Errorf("got %d runs; want 1", len(g.reached))
		}
	})
}

func newStateLike(t *testing.T, m *Memo, g *gate) *luatest.State {
	s := newState(t, m, map[string]*gate{"g": g})
	define(t, s, `return 'c'`, ``)
	return s
}

func TestOthersShareTheError(t *testing.T) {
	herd(t, ``, func(t *testing.T, m *Memo, g *gate, a, b *luatest.State) {
		first := try(t.Context(), a, `return f('fail')`)
		synctest.Wait()
		second := try(t.Context(), b, `return f('fail')`)
		waiting(t, m, 1)
		close(g.open)
		<-first
		if got := <-second; !strings.Contains(got, "kumo.memoize 'c': the function raised: ") || !strings.Contains(got, "no luck") {
			t.Errorf("got %s; want the error of the run", got)
		}
		if len(g.reached) != 1 {
			t.Errorf("got %d runs; want 1", len(g.reached))
		}
	})
}

func TestAnotherRunsWhenTheFirstHasNoTimeLeft(t *testing.T) {
	herd(t, ``, func(t *testing.T, m *Memo, g *gate, a, b *luatest.State) {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := try(short, a, `return f('k')`)
		synctest.Wait()
		second := try(t.Context(), b, `return f('k')`)
		waiting(t, m, 1)
		if got := <-first; !strings.Contains(got, "deadline exceeded") {
			t.Errorf("first: got %s; want its deadline", got)
		}
		waiting(t, m, 0)
		close(g.open)
		if got := <-second; got != "b" {
			t.Errorf("second: got %s; want b, from a run of its own", got)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	herd(t, ``, func(t *testing.T, m *Memo, g *gate, a, b *luatest.State) {
		first := try(t.Context(), a, `return f('k')`)
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := <-try(short, b, `return f('k')`); !strings.Contains(got, "kumo.memoize 'c': context deadline exceeded") {
			t.Errorf("got %s; want the end of the context", got)
		}
		close(g.open)
		if got := <-first; got != "a" {
			t.Errorf("got %s; want a", got)
		}
	})
}

func TestPopulateTimeout(t *testing.T) {
	herd(t, `populate_timeout = '3s'`, func(t *testing.T, m *Memo, g *gate, a, b *luatest.State) {
		first := try(t.Context(), a, `local ok, e = pcall(f, 'k') return tostring(ok), e, f('quick')`)
		synctest.Wait()
		<-time.After(time.Second)
		second := try(t.Context(), b, `return f('k')`)
		if got := <-first; !strings.Contains(got, "deadline exceeded") || !strings.HasSuffix(got, "a") {
			t.Errorf("first: got %s; want an error it can catch, and time left", got)
		}
		if got := <-second; !strings.Contains(got, "the function raised: ") {
			t.Errorf("second: got %s; want the error of the run", got)
		}
	})
}

func TestRetryOnPopulateTimeout(t *testing.T) {
	herd(t, `populate_timeout = '3s', retry_on_populate_timeout = true`, func(t *testing.T, m *Memo, g *gate, a, b *luatest.State) {
		// A gate that does not look at the context stands for a call that hangs.
		c := newCache(m, m.caches["c"].params)
		m.caches["c"] = c
		c.count = &Stats{}
		hung := &flight{owner: a.Env, done: make(chan struct{})}
		c.flights[keyOf(0, []any{"quick"})] = hung
		if got := <-try(t.Context(), b, `return f('quick')`); got != "b" {
			t.Errorf("got %s; want b, from a run of its own", got)
		}
		_ = g
	})
}

func TestStaleReads(t *testing.T) {
	herd(t, `allow_stale_reads = true`, func(t *testing.T, m *Memo, g *gate, a, b *luatest.State) {
		open := try(t.Context(), a, `return f('k')`)
		<-g.reached
		g.open <- struct{}{}
		<-open
		<-time.After(2 * time.Minute)
		renew := try(t.Context(), b, `return f('k')`)
		<-g.reached
		if got := <-try(t.Context(), a, `return f('k')`); got != "a" {
			t.Errorf("meanwhile: got %s; want a, the old result", got)
		}
		g.open <- struct{}{}
		if got := <-renew; got != "b" {
			t.Errorf("renewed: got %s; want b", got)
		}
		if got := m.Stats()[0].Stale; got != 1 {
			t.Errorf("stale: got %d; want 1", got)
		}
	})
}

func TestRecursion(t *testing.T) {
	s := newState(t, New(nil, nil), nil)
	define(t, s, `local n = ... if n == 0 then return 0 end if n == 'self' then return f(n) end return 1 + f(n - 1)`, ``)
	if got := s.Must(t, `return f(5)`); got != int64(5) {
		t.Errorf("other arguments: got %v; want 5", got)
	}
	s.Raises(t, `f('self')`, "kumo.memoize 'c': the function asks for the very result that it is to compute")
	s.Raises(t, `f('self')`, "the very result") // nothing of the first is left
	define(t, s, `return coroutine.wrap(function() return f('self') end)()`, ``)
	s.Raises(t, `f('self')`, "the very result")
}

// An error passes through every run that it ends, so that a recursion without
// end took minutes before it was bounded.
func TestRecursionWithoutEnd(t *testing.T) {
	m := New(nil, nil)
	s := newState(t, m, nil)
	define(t, s, `return f((...) + 1)`, ``)
	s.Raises(t, `f(1)`, "kumo.memoize 'c': more than 64 memoized functions run inside one another")
	if len(m.runs) != 0 || len(m.caches["c"].flights) != 0 {
		t.Errorf("got %d states that run, %d flights; want none", len(m.runs), len(m.caches["c"].flights))
	}
	define(t, s, `local n = ... if n == 60 then return n end return f(n + 1)`, `allow_stale_reads = true`)
	if got := s.Must(t, `return f(1)`); got != int64(60) {
		t.Errorf("got %v; want 60", got)
	}
}

// Two states that wait for each other's results would wait until their contexts
// end.
func TestCycleOverTwoStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(nil, nil)
		gates := map[string]*gate{"x": newGate(), "y": newGate()}
		a, b := newState(t, m, gates), newState(t, m, gates)
		for _, s := range []*luatest.State{a, b} {
			define(t, s, `local me, other = ... kumo.gate(me) return f(other, me)`, ``)
		}
		first := try(t.Context(), a, `return f('x', 'y')`)
		second := try(t.Context(), b, `return f('y', 'x')`)
		synctest.Wait()
		close(gates["x"].open)
		synctest.Wait()
		close(gates["y"].open)
		x, y := <-first, <-second
		if !strings.Contains(x+y, "waits for a result that waits for this one") {
			t.Errorf("got %s and %s; want the cycle named", x, y)
		}
	})
}

func TestParallelCallers(t *testing.T) {
	m := New(nil, nil)
	var done []<-chan string
	for range 8 {
		s := newState(t, m, nil)
		define(t, s, `return (...)`, ``)
		done = append(done, try(t.Context(), s, `for i = 1, 300 do assert(f(i % 20) == i % 20) end return 'ok'`))
	}
	for _, d := range done {
		if got := <-d; got != "ok" {
			t.Error(got)
		}
	}
	s := m.Stats()[0]
	if s.Lookups != 2400 || s.Waiting != 0 || s.Size != 10 {
		t.Errorf("got %+v; want 2400 lookups, nobody waiting, 10 kept", s)
	}
}
