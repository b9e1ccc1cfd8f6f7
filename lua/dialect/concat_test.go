package dialect_test

import (
	"fmt"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Nothing used to bound what ".." builds: a string that was doubled some forty
// times ended the process, out of memory.
func TestLongestString(t *testing.T) {
	tooLong := fmt.Sprintf("string longer than %d bytes", longestString)
	half := strings.Repeat("x", longestString/2)
	for _, tt := range []struct {
		source string
		fails  bool
	}{
		{"local s = 'x' while true do s = s .. s end", true},
		{"local s = half return s .. s", false},
		{"local s = half return s .. s .. #s", true},
		{"local s = half local t = { s .. s .. s }", true},
		{"local s = half local t = { [s .. s .. s] = 1 }", true},
		{"local s = half print(s, s .. (s .. s))", true},
		{"local s = half print((s .. s) .. s)", true},
		{"local s = half if s .. s .. s == '' then return end", true},
		{"local s = half local function f() return s .. s .. s end f()", true},
		{"local s = half return ('a' .. s):len()", false},
		// What is written out counts, however long it is.
		{"local s = half .. '" + half + "' s = 'x' .. s", false},
		{"local s = half .. '" + half + "' s = 'xxxx" + half + "' .. s", true},
		// A metamethod says what it likes.
		{"local t = setmetatable({}, { __concat = function() return 7 end }) assert(t .. half .. half == 7 and 1 .. t == 7)", false},
	} {
		var out strings.Builder
		L := newState(t, &out)
		L.SetGlobal("half", lua.LString(half))
		got := run(L, "t", []byte(tt.source))
		if failed := got != nil; failed != tt.fails || failed && !strings.Contains(got.Error(), "t:1: "+tooLong) {
			t.Errorf("%.80s: got %.200v; want failed=%v", tt.source, got, tt.fails)
		}
	}
}

// One instruction joins only so many strings before their length is looked at.
func TestLongConcatenations(t *testing.T) {
	L := newState(t, &strings.Builder{})
	L.SetGlobal("s", lua.LString(strings.Repeat("x", longestString)))
	if err := run(L, "t", []byte("return "+list(150, " .. ", "s"))); err == nil {
		t.Error("got no error")
	}
	for n := 1; n <= 170; n++ {
		source := fmt.Sprintf("local a, b = 'a', 3 assert(%s == ('a3'):rep(%d)) ", list(n, " .. ", "a .. b"), n)
		if n > 85 {
			source = fmt.Sprintf("local a = 'a' assert(%s == ('a'):rep(%d))", list(n, " .. ", "a"), n)
		}
		if err := run(L, "t", []byte(source)); err != nil {
			t.Errorf("%d: got %v", n, err)
		}
	}
}
