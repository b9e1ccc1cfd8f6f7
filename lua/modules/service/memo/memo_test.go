package memo

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// newState is a state of m with what tests need: gate(name) stops until the test
// opens it, and ran() counts.
func newState(t *testing.T, m *Memo, gates map[string]*gate) *luatest.State {
	t.Helper()
	s := luatest.New(t, m.Module(), spec.Module{Name: "kumo", Functions: []spec.Function{
		{Name: "gate", Call: func(_ *spec.Env, L *lua.LState) int {
			g := gates[L.CheckString(1)]
			g.reached <- struct{}{}
			select {
			case <-g.open:
			case <-L.Context().Done():
				L.RaiseError("%s", L.Context().Err())
			}
			return 0
		}},
	}})
	s.Must(t, `runs = 0`)
	return s
}

type gate struct{ reached, open chan struct{} }

func newGate() *gate {
	return &gate{reached: make(chan struct{}, 100), open: make(chan struct{})}
}

// define makes f, which counts its runs, under the name c.
func define(t *testing.T, s *luatest.State, body, params string) {
	t.Helper()
	s.Must(t, fmt.Sprintf(`f = kumo.memoize(function(...) runs = runs + 1 %s end, {name = 'c', ttl = '1 minute', capacity = 10, %s})`, body, params))
}

func TestResults(t *testing.T) {
	m := New(nil, nil)
	s := newState(t, m, nil)
	define(t, s, `return ...`, ``)
	for _, c := range []struct {
		code string
		want any
	}{
		{`return f()`, nil},
		{`return f(nil)`, nil},
		{`return f(false)`, false},
		{`return f(7)`, int64(7)},
		{`return f('7')`, "7"},
		{`return f('a\0\255')`, "a\x00\xff"},
		{`return f('a\0\254')`, "a\x00\xfe"},
		{`return f(1, 2)`, []any{int64(1), int64(2)}},
		{`return f({1, 2})`, []any{int64(1), int64(2)}},
		{`return f({a = {1}})`, map[string]any{"a": []any{int64(1)}}},
		{`return select('#', f(1, 2))`, int64(1)},
	} {
		for range 2 {
			if got := s.Must(t, c.code); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %#v; want %#v", c.code, got, c.want)
			}
		}
	}
	if got := s.Must(t, `return runs`); got != int64(10) {
		t.Errorf("got %v runs; want 10, one for each list of arguments", got)
	}
}

func TestEveryCallerGetsACopy(t *testing.T) {
	s := newState(t, New(nil, nil), nil)
	define(t, s, `local t = {list = {1, 2}} kept = t return t`, ``)
	got := s.Must(t, `local a, b = f(), f()
		a.list[3] = 9 a.x = 1 kept.list[1] = 5
		local n = 0
		for _ in pairs(f().list) do n = n + 1 end
		return #a.list .. #b.list .. #f().list .. tostring(f().x) .. f().list[1] .. n`)
	if got != "322nil12" {
		t.Errorf("got %v; want 322nil12", got)
	}
}

type shared struct{ _ int } // of a size, so that two are never one

func (s *shared) ToLua(L *lua.LState) lua.LValue {
	u := L.NewUserData()
	u.Value = s
	return u
}

func TestObjects(t *testing.T) {
	m := New(nil, nil)
	a, b := newState(t, m, nil), newState(t, m, nil)
	object := &shared{}
	a.L.SetGlobal("object", object.ToLua(a.L))
	define(t, a, `return {inside = object}`, ``)
	define(t, b, `error('not asked')`, ``)
	a.Must(t, `f()`)
	b.Must(t, `got = f().inside`)
	u, ok := b.L.GetGlobal("got").(*lua.LUserData)
	if !ok || u.Value != object || u == a.L.GetGlobal("object") {
		t.Errorf("got %v; want a userdata of this state for the same object", b.L.GetGlobal("got"))
	}
	define(t, a, `return print`, `invalidate_with_epoch = true`)
	a.Raises(t, `f()`, "kumo.memoize 'c': the result cannot be kept: a function is not plain data")
	a.Raises(t, `f(print)`, "kumo.memoize 'c': argument 1 cannot be part of a key")
	a.Raises(t, `f(object)`, "argument 1 cannot be part of a key")
}

func TestStatesShareACache(t *testing.T) {
	m := New(nil, nil)
	a, b := newState(t, m, nil), newState(t, m, nil)
	define(t, a, `return 'from a'`, ``)
	define(t, b, `return 'from b'`, ``)
	a.Must(t, `f('k')`)
	if got := b.Must(t, `return f('k')`); got != "from a" {
		t.Errorf("got %v; want from a", got)
	}
	want := Stats{Name: "c", Lookups: 2, Hits: 1, Misses: 1, Populated: 1, Inserted: 1, Size: 1}
	if got := m.Stats(); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
	define(t, b, `return 'from b'`, `allow_stale_reads = true`) // other params: a new cache
	if got := a.Must(t, `return f('k')`); got != "from a" {
		t.Errorf("got %v; want from a", got)
	}
	if got := m.Stats()[0].Populated; got != 2 {
		t.Errorf("got %d; want 2: the new cache was empty, and the count goes on", got)
	}
	m.Clear()
	if got := b.Must(t, `return f('k')`); got != "from b" {
		t.Errorf("after Clear: got %v; want from b", got)
	}
}

func TestTimeToLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(nil, nil)
		s := newState(t, m, nil)
		define(t, s, `return runs`, ``)
		s.Must(t, `f()`)
		<-time.After(time.Minute - 1)
		if got := s.Must(t, `return f()`); got != int64(1) {
			t.Errorf("before the end: got %v; want 1", got)
		}
		<-time.After(1)
		if got := s.Must(t, `return f()`); got != int64(2) {
			t.Errorf("at the end: got %v; want 2", got)
		}
		if got := m.Stats()[0].Expired; got != 1 {
			t.Errorf("expired: got %d; want 1", got)
		}
	})
}

func TestCapacity(t *testing.T) {
	m := New(nil, nil)
	s := newState(t, m, nil)
	define(t, s, `return runs`, `capacity = 2`)
	if got := s.Must(t, `f(1) f(2) f(1) f(3) return f(1) .. f(2)`); got != "14" {
		t.Errorf("got %v; want 14: 2 was used longest ago", got)
	}
	if got := m.Stats()[0]; got.Evicted != 2 || got.Size != 2 {
		t.Errorf("got %+v; want 2 evicted, 2 kept", got)
	}
}

func TestEpoch(t *testing.T) {
	var epoch atomic.Uint64
	s := newState(t, New(epoch.Load, nil), nil)
	define(t, s, `return runs`, `invalidate_with_epoch = true`)
	s.Must(t, `g = kumo.memoize(function() runs = runs + 1 return runs end, {name = 'd', ttl = 60, capacity = 1})`)
	s.Must(t, `f() g()`)
	epoch.Add(1)
	if got := s.Must(t, `return f() .. g()`); got != "32" {
		t.Errorf("got %v; want 32: only f forgets", got)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	m := New(nil, nil)
	s := newState(t, m, nil)
	define(t, s, `if runs == 1 then error({code = 7}) end return runs`, ``)
	if got := s.Must(t, `local ok, e = pcall(f) return tostring(ok) .. e.code`); got != "false7" {
		t.Errorf("got %v; want the error as it was raised", got)
	}
	if got := s.Must(t, `return f()`); got != int64(2) {
		t.Errorf("got %v; want 2", got)
	}
	if got := m.Stats()[0].Errors; got != 1 {
		t.Errorf("errors: got %d; want 1", got)
	}
}

func TestParams(t *testing.T) {
	s := newState(t, New(nil, []string{"acl_check"}), nil)
	for params, want := range map[string]string{
		`{}`:                                    "kumo.memoize: ttl: expected a duration",
		`{ttl = 1}`:                             "name: expected a string that is not empty",
		`{name = 'x', ttl = '5', capacity = 1}`: "kumo.memoize: ttl: ",
		`{name = 'x', ttl = 5}`:                 "capacity: expected a whole number",
		`{name = 'x', ttl = 5, capacity = 0}`:   "capacity: expected a whole number",
		`{name = 'x', ttl = 5, capacity = 1, retry = true}`:          "unknown key 'retry'",
		`{name = 'acl_check', ttl = 5, capacity = 1}`:                "'acl_check': the name belongs to a cache of the proxy itself",
		`{name = 'x', ttl = 5, capacity = 1, populate_timeout = -1}`: "populate_timeout: ",
	} {
		s.Raises(t, `kumo.memoize(print, `+params+`)`, want)
	}
	s.Raises(t, `kumo.memoize(nil, {name = 'x', ttl = 5, capacity = 1})`, "function expected")
	s.Raises(t, `for i = 1, 2000 do kumo.memoize(print, {name = 'x' .. i, ttl = 5, capacity = 1}) end`, "more than 1024 caches")
}

// Strings of one argument must not run into the next.
func FuzzKeys(f *testing.F) {
	const mark = "s\x00\x00\x00\x00\x00\x00\x00\x00" // what comes before a text, without its length
	f.Add("a", "b", "ab", "")
	f.Add("x"+mark+"y", "z", "x", "y"+mark+"z")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		same := keyOf(0, []any{a, b}) == keyOf(0, []any{c, d})
		if same != (a == c && b == d) {
			t.Errorf("(%q, %q) and (%q, %q): same key %v", a, b, c, d, same)
		}
		if keyOf(0, []any{a, b}) == keyOf(0, []any{[]any{a, b}}) || keyOf(0, []any{a}) == keyOf(1, []any{a}) {
			t.Errorf("%q: a list, or another epoch, has the same key", a)
		}
	})
}
