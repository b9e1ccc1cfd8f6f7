package dialect_test

import (
	"io"
	"strings"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

func TestBeyondExactIntegers(t *testing.T) {
	const (
		result  = "t:1: result of a bitwise operation is beyond 2^53, where integers are not exact"
		operand = "t:1: operand of a bitwise operation is beyond 2^53, where integers are not exact"
		none    = "t:1: number has no integer representation"
	)
	for source, want := range map[string]string{
		"return 1 << 54":                     result,
		"return -1 >> 1":                     result,
		"local x = 2^53 return ~x":           result,
		"return 1 << 63":                     result,
		"return -1 << 54":                    result,
		"return 2^60 | 0":                    operand,
		"return 1 & -2^53 * 2":               operand,
		"return 2^63 | 0":                    none,
		"return 1e300 | 0":                   none,
		"return 1 ~ 0.5":                     none,
		"return 1 << 1/0":                    none,
		"return 2^53 | 0, ~(2^53 - 1)":       "",
		"return 1 << 53, -1 << 53, -1 >> 11": "",
	} {
		err := run(newState(t, io.Discard), "t", []byte(source))
		if got := message(err); got != want {
			t.Errorf("%s: got %q; want %q", source, got, want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestIteratorWithClosingValue(t *testing.T) {
	const refused = "t:2: the closing value of a generic 'for' is not supported: close it after the loop"
	for source, want := range map[string]string{
		"\nfor x in next, {}, nil, {} do end":                                 refused,
		"\nfor x in (function() return next, {}, nil, true end)() do end":     refused,
		"\nfor x in next, {}, nil, nil do end":                                "",
		"\nfor x in (function() return next, {}, nil, false, 1 end)() do end": "",
	} {
		if got := message(run(newState(t, io.Discard), "t", []byte(source))); got != want {
			t.Errorf("%s: got %q; want %q", source, got, want)
		}
	}
}

// TestOutOfSight: a policy can neither see nor replace what operators call, and
// has them in any environment.
func TestOutOfSight(t *testing.T) {
	got := output(t, `
		print(getmetatable(1))
		print(pcall(setmetatable, 1, {}) == false)
		local seen = 0
		for k in pairs(_G) do if type(k) ~= "string" or not k:match("^[%a_][%w_]*$") then seen = seen + 1 end end
		print(seen)
		local f = load("local a, b = ... x = a // b return a & b, ~a, x", {})
		print(f(13, 6))
		setfenv(f, setmetatable({}, {__index = function() error("looked up") end}))
		print(f(9, 2))
		local G = _G for k in pairs(G) do G[k] = nil end
		return 7 // 2
	`)
	if want := "false\ntrue\n0\n4\t-14\t2\n0\t-10\t4\n"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestCallOfNumber(t *testing.T) {
	for _, source := range []string{
		"local x = 5 x()",
		"x = 1.5 x(1, 2)",
		"local x = 0/0 x()",
		"local x = 1.0000000000000002e-301 x(1)",
	} {
		err := run(newState(t, io.Discard), "t", []byte(source))
		if want := "t:1: attempt to call a number value"; message(err) != want {
			t.Errorf("%s: got %v; want %v", source, err, want)
		}
	}
}

// TestManyStates runs one compiled chunk in several states at once.
func TestManyStates(t *testing.T) {
	proto, err := dialect.Compile("t", []byte("local n = ... for i = 1, 100 do n = (n << 1 ~ i) % 65521 end return n"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	results := make([]lua.LValue, 8)
	for i := range results {
		L := newState(t, io.Discard)
		wg.Go(func() {
			L.Push(L.NewFunctionFromProto(proto))
			L.Push(lua.LNumber(7))
			L.Call(1, 1)
			results[i] = L.Get(-1)
		})
	}
	wg.Wait()
	for _, result := range results {
		if result != results[0] {
			t.Errorf("got %v and %v from the same chunk", results[0], result)
		}
	}
}

// TestStringOperands holds // and % to the numerals of Lua, not of Go.
func TestStringOperands(t *testing.T) {
	for text, want := range map[string]string{
		"10": "5", " \t10\n": "5", "-10": "-5", "1e1": "5", "0x10": "8", "0x1p4": "8", "-0x10": "-8", "10.": "5",
		"": "", "ten": "", "inf": "", "nan": "", "1_0": "", "0b10": "", "0o7": "", "1 0": "", "0x": "", "--1": "", "1e": "", "0x1p": "", "Infinity": "",
	} {
		var out strings.Builder
		L := newState(t, &out)
		L.SetGlobal("s", lua.LString(text))
		err := run(L, "t", []byte("print(s // 2)"))
		if got := strings.TrimSpace(out.String()); got != want || (err != nil) != (want == "") {
			t.Errorf("%q // 2: got %q, %v; want %q", text, got, err, want)
		}
	}
}
