package value

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newState(t testing.TB) *lua.LState {
	t.Helper()
	L := lua.NewState()
	t.Cleanup(L.Close)
	return L
}

// lua is the value of an expression.
func eval(t testing.TB, L *lua.LState, expression string) lua.LValue {
	t.Helper()
	if err := L.DoString("return " + expression); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	v := L.Get(-1)
	L.Pop(1)
	return v
}

func TestToGo(t *testing.T) {
	L := newState(t)
	for expression, want := range map[string]any{
		"nil":                   nil,
		"true":                  true,
		"7":                     int64(7),
		"-7.0":                  int64(-7),
		"7.5":                   7.5,
		"2^53":                  int64(1 << 53),
		"2^53 + 2":              float64(1<<53 + 2),
		"1e300":                 1e300,
		"1/0":                   math.Inf(1),
		"'a\\0\\255'":           "a\x00\xff",
		"{}":                    map[string]any{},
		"{1, 'a', {2}}":         []any{int64(1), "a", []any{int64(2)}},
		"{a = 1, [2] = {}}":     map[string]any{"a": int64(1), "2": map[string]any{}},
		"{[1] = 1, [3] = 3}":    map[string]any{"1": int64(1), "3": int64(3)},
		"{[0] = 'a', 'b'}":      map[string]any{"0": "a", "1": "b"},
		"{[-1] = 'a'}":          map[string]any{"-1": "a"},
		"setmetatable({1}, {})": []any{int64(1)},
		"(function() local t = {1, 2, 3}; t[3] = nil; t.a = 1; t.a = nil; return t end)()": []any{int64(1), int64(2)},
		"(function() local t = {x = 1}; return {t, t} end)()":                              []any{map[string]any{"x": int64(1)}, map[string]any{"x": int64(1)}},
	} {
		if got, err := ToGo(eval(t, L, expression)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, error %v; want %#v", expression, got, err, want)
		}
	}
}

func TestToGoRefuses(t *testing.T) {
	L := newState(t)
	for expression, want := range map[string]Error{
		"print":                               {Path: "", Reason: Unconvertible, Type: "function"},
		"{a = {1, {b = print}}}":              {Path: "a[2].b", Reason: Unconvertible, Type: "function"},
		"{['a b'] = coroutine.create(print)}": {Path: `["a b"]`, Reason: Unconvertible, Type: "thread"},
		"{[true] = 1}":                        {Reason: BadKey, Type: "boolean"},
		"{x = {[1.5] = 1}}":                   {Path: "x", Reason: BadKey, Type: "number"},
		"{[5] = 1, ['5'] = 2}":                {Path: `["5"]`, Reason: DoubleKey},
		"(function() local t = {}; t.a = {b = t}; return t end)()": {Path: "a.b", Reason: Cycle},
		"(function() local t = {}; for i = 1, 101 do t = {t} end; return t end)()": {
			Path: strings.Repeat("[1]", 100), Reason: TooDeep},
		// Few tables, but reached in more ways than there are atoms.
		"(function() local t = {}; for i = 1, 90 do t = {t, t} end; return t end)()": {
			Path: "[1]", Reason: TooMany},
	} {
		got, err := ToGo(eval(t, L, expression))
		var refused *Error
		if !errors.As(err, &refused) || got != nil {
			t.Errorf("%s: got %#v, error %v; want an *Error", expression, got, err)
			continue
		}
		if refused.Reason == TooMany {
			refused.Path = "[1]" // how far it got is of no interest
		}
		if *refused != want || strings.Contains(refused.Error(), "unknown reason") {
			t.Errorf("%s: got %+v (%v); want %+v", expression, *refused, refused, want)
		}
	}
	long := lua.LString(strings.Repeat("k", 1000))
	t2 := L.NewTable()
	t2.RawSet(long, L.NewFunction(func(*lua.LState) int { return 0 }))
	if _, err := ToGo(t2); err == nil || len(err.Error()) > 300 {
		t.Errorf("got error %v; want one that does not show a long key whole", err)
	}
}

// TestMaxValues: a list of booleans may have MaxValues less the cost of the list,
// and one of tables an eighth of that.
func TestMaxValues(t *testing.T) {
	L := newState(t)
	for _, c := range []struct {
		n       int
		element lua.LValue
		want    bool
	}{
		{MaxValues - tableCost, lua.LTrue, true},
		{MaxValues - tableCost + 1, lua.LTrue, false},
		{MaxValues/tableCost - 1, L.NewTable(), true},
		{MaxValues / tableCost, L.NewTable(), false},
	} {
		list := L.CreateTable(c.n, 0)
		for i := range c.n {
			list.RawSetInt(i+1, c.element)
		}
		v, err := ToGo(list)
		if got := err == nil; got != c.want {
			t.Errorf("ToGo of %d elements: got error %v; want success %v", c.n, err, c.want)
		}
		if !c.want {
			continue
		}
		if _, err := TryFromGo(L, v); err != nil {
			t.Errorf("TryFromGo of %d elements: got error %v; want none", c.n, err)
		}
		if _, err := TryFromGo(L, append(v.([]any), v.([]any)[0])); err == nil {
			t.Errorf("TryFromGo of one element more than %d: got no error; want one", c.n)
		}
	}
}

// named has a text form of its own.
type named struct{}

func (named) MarshalText() ([]byte, error) { return []byte("by name"), nil }

func TestFromGo(t *testing.T) {
	L := newState(t)
	for _, c := range []struct {
		in   any
		want string // an expression
	}{
		{nil, "nil"},
		{true, "true"},
		{int64(1 << 53), "2^53"},
		{int64(1<<53 + 1), "'9007199254740993'"},
		{int64(math.MinInt64), "'-9223372036854775808'"},
		{uint64(math.MaxUint64), "'18446744073709551615'"},
		{uint8(7), "7"},
		{-3, "-3"},
		{float32(0.5), "0.5"},
		{"a\x00\xff", "'a\\0\\255'"},
		{[]byte("a\xff"), "'a\\255'"},
		{json.Number("12"), "12"},
		{json.Number("1e3"), "1000"},
		{json.Number("9007199254740993"), "'9007199254740993'"},
		{json.Number("123456789012345678901"), "'123456789012345678901'"},
		{json.Number("1e999"), "'1e999'"},
		{time.Date(2001, 2, 3, 4, 5, 6, 500, time.FixedZone("", 3600)), "'2001-02-03T04:05:06.0000005+01:00'"},
		{netip.MustParseAddr("192.0.2.1"), "'192.0.2.1'"},
		{named{}, "'by name'"},
		{(*int)(nil), "nil"},
		{new(int), "0"},
		{(*named)(nil), "nil"},
		{lua.LString("as it is"), "'as it is'"},
	} {
		if got, want := FromGo(L, c.in), eval(t, L, c.want); got != want {
			t.Errorf("%#v: got %v; want %v", c.in, got, want)
		}
	}
	for _, c := range []struct{ in, want any }{
		{map[string]any{"a": nil, "b": []any{}}, map[string]any{"b": []any{}}},
		{map[string][]string{"a": {"x"}}, map[string]any{"a": []any{"x"}}},
		{[]any{1, nil, 3, nil}, []any{int64(1), nil, int64(3)}},
		{[2]int{1, 2}, []any{int64(1), int64(2)}},
	} {
		if got, err := ToGo(FromGo(L, c.in)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v: got %#v, error %v; want %#v", c.in, got, err, c.want)
		}
	}
}

func TestFromGoRefuses(t *testing.T) {
	L := newState(t)
	cyclic := map[string]any{}
	cyclic["a"] = cyclic
	wide := any(map[string]any{})
	for range 90 {
		wide = []any{wide, wide}
	}
	for name, c := range map[string]struct {
		in   any
		want Reason
	}{
		"channel":     {make(chan int), Unconvertible},
		"struct":      {[]any{struct{}{}}, Unconvertible},
		"integer map": {map[int]string{1: "a"}, Unconvertible},
		"cycle":       {cyclic, TooDeep},
		"wide":        {wide, TooMany},
		"long":        {make([]any, MaxValues+1), TooMany},
	} {
		got, err := TryFromGo(L, c.in)
		var refused *Error
		if !errors.As(err, &refused) || refused.Reason != c.want || got != lua.LNil {
			t.Errorf("%s: got %v, error %v; want nil and reason %d", name, got, err, c.want)
		}
	}
	L.SetGlobal("f", L.NewFunction(func(L *lua.LState) int {
		L.Push(FromGo(L, make(chan int)))
		return 1
	}))
	if err := L.DoString("f()"); err == nil || !strings.Contains(err.Error(), "a chan int is not plain data") {
		t.Errorf("got error %v; want a Lua error", err)
	}
}

// TestRoundTrip: plain Go goes to Lua and comes back as it was.
func TestRoundTrip(t *testing.T) {
	L := newState(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		want := randomValue(random, 5)
		if got, err := ToGo(FromGo(L, want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %#v, error %v; want %#v", got, err, want)
		}
	}
}

func randomValue(random *rand.Rand, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch random.IntN(kinds) {
	case 0:
		return random.Int64N(1<<54) - 1<<53
	case 1:
		return random.Float64() + 1e-9
	case 2:
		return randomText(random)
	case 3:
		return random.IntN(2) == 0
	case 4:
		list := make([]any, random.IntN(4))
		for i := range list {
			list[i] = randomValue(random, depth-1)
		}
		return list
	}
	fields := map[string]any{}
	for range random.IntN(4) {
		fields[randomText(random)] = randomValue(random, depth-1)
	}
	return fields
}

func randomText(random *rand.Rand) string {
	text := make([]byte, random.IntN(6))
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	return string(text)
}

// TestListsRemainLists: what came as a list is one when it is empty or has gaps,
// until a script gives it another kind of key; and scripts cannot reach the mark.
func TestListsRemainLists(t *testing.T) {
	L := newState(t)
	for chunk, want := range map[string]any{
		"return v":                          []any{int64(1), nil, int64(3)},
		"v[1] = nil; v[3] = nil; return v":  []any{},
		"v[5] = 'e'; return v":              []any{int64(1), nil, int64(3), nil, "e"},
		"v.x = 1; return v":                 map[string]any{"1": int64(1), "3": int64(3), "x": int64(1)},
		"v[2000] = 1; return v":             map[string]any{"1": int64(1), "3": int64(3), "2000": int64(1)},
		"return tostring(getmetatable(v))":  "false",
		"return pcall(setmetatable, v, {})": false,
	} {
		L.SetGlobal("v", FromGo(L, []any{1, nil, 3}))
		if err := L.DoString(chunk); err != nil {
			t.Fatal(err)
		}
		got, err := ToGo(L.Get(1))
		L.SetTop(0)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, error %v; want %#v", chunk, got, err, want)
		}
	}
	forged := eval(t, L, "setmetatable({}, {['troupe.list'] = true})")
	if got, err := ToGo(forged); err != nil || !reflect.DeepEqual(got, map[string]any{}) {
		t.Errorf("got %#v, error %v for a forged mark; want an empty map", got, err)
	}
}

// token is a shareable object that notes how often it was frozen.
type token struct{ frozen int }

func (o *token) Freeze() { o.frozen++ }

func (o *token) ToLua(L *lua.LState) lua.LValue {
	ud := L.NewUserData()
	ud.Value = o
	return ud
}

func TestShare(t *testing.T) {
	L, other := newState(t), newState(t)
	object := &token{}
	L.SetGlobal("o", object.ToLua(L))
	v := eval(t, L, "{inner = {o}, text = 'x'}")

	if got, err := ToGo(v); err == nil || !strings.Contains(err.Error(), "at inner[1]: a userdata is not plain data") {
		t.Errorf("ToGo: got %v, error %v; want an error about the userdata", got, err)
	}
	shared, err := Share(v)
	if want := any(map[string]any{"inner": []any{object}, "text": "x"}); err != nil || !reflect.DeepEqual(shared, want) {
		t.Fatalf("Share: got %#v, error %v; want %#v", shared, err, want)
	}
	if object.frozen != 1 {
		t.Errorf("got %d calls of Freeze; want 1", object.frozen)
	}
	back := FromGo(other, shared).(*lua.LTable).RawGetString("inner").(*lua.LTable).RawGetInt(1).(*lua.LUserData)
	if back.Value != object {
		t.Errorf("got %v in the other state; want the same object", back.Value)
	}
	L.SetGlobal("o", L.NewUserData())
	if _, err := Share(eval(t, L, "o")); err == nil {
		t.Errorf("Share: got no error for a userdata of another kind; want one")
	}
}
