package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// patterns and subjects are the corpus on which the matcher is compared with the
// reference implementation, each with each.
var (
	patterns = []string{
		"", "a", "a*", "a+", "a-", "a?", ".", ".*", ".-", ".+", "^a", "a$", "^a*$", "()", "(a)", "(a*)", "(a)(b)", "((a)b)", "(a)%1", "(a*)%1b",
		"%a+", "%d", "%w*", "%s", "%p", "%x+", "%u", "%l", "%g", "%c", "%z", "%A", "%S+", "[abc]", "[^abc]", "[a-c]+", "[]]", "[^]]", "[a-]", "[%a-z]", "[%]]", "[a%-c]",
		"%b()", "%bab", "%f[%w]%w+", "%f[%W]", "a-b", "a?b?c?", "(a?)(b?)(c?)", "[ab]*c", "[^%s]+", "(.)%1", "(.-)(%d+)", "^(.-)%s*$", "%.", "%%", "x*y*z*", "(()a())",
		"(", ")", "[", "[a", "%", "%1", "(%1)", "%b", "%f", "%fa", "a)", "(a", "[^", "[%", "%9", "^", "$", "^$", "a**", "+", "*", "a$b", "a^b", "[a-a]", "[z-a]", "[--0]",
	}
	subjects = []string{
		"", "a", "b", "ab", "aab", "abc", "aaa", "aabbcc", "abcabc", "a b c", "hello world", "(a(b)c)", "((", "x=1, y=22", "%d.$^", "[a]-b", "a\x00b", "\xff\xfe", "  trim  ", "aXbXc", "12 34", "xyz", "a\nb\tc",
	}
)

// describeMatch is one line about all that the functions do with a pair.
const describeMatch = `
local function show(...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = (tostring((select(i, ...))):gsub("[^%g ]", function(c) return "\\" .. c:byte() end)) end
  return table.concat(out, "|")
end
local function each(s, p)
  local out = {}
  for a, b in s:gmatch(p) do out[#out + 1] = tostring(a) .. "/" .. tostring(b) if #out > 50 then break end end
  return table.concat(out, ",")
end
function describe(s, p)
  return show(pcall(string.find, s, p)) .. " " .. show(pcall(string.find, s, p, 2)) .. " " .. show(pcall(string.match, s, p, -1)) .. " " ..
    show(pcall(string.gsub, s, p, "<%0>")) .. " " .. show(pcall(string.gsub, s, p, "%1", 2)) .. " " .. show(pcall(each, s, p))
end
`

// luaQuote is a string as a literal of the language.
func luaQuote(text string) string {
	var out strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&out, "\\%03d", text[i])
	}
	return `"` + out.String() + `"`
}

func TestMatcherLikeReference(t *testing.T) {
	binary, err := exec.LookPath("lua5.4")
	if err != nil {
		t.Skip("lua5.4 is not installed")
	}
	var script strings.Builder
	script.WriteString(describeMatch)
	for _, p := range patterns {
		for _, s := range subjects {
			fmt.Fprintf(&script, "print(describe(%s, %s))\n", luaQuote(s), luaQuote(p))
		}
	}
	cmd := exec.CommandContext(t.Context(), binary, "-")
	cmd.Stdin = strings.NewReader(script.String())
	reference, err := cmd.Output()
	reference = bytes.ReplaceAll(reference, []byte("stdin:"), []byte("test:"))
	if err != nil {
		t.Fatal(err)
	}
	L, out := mustState(t, Options{})
	if _, err := run(t, L, script.String()); err != nil {
		t.Fatal(err)
	}
	got, want := bytes.Split(out.Bytes(), []byte("\n")), bytes.Split(reference, []byte("\n"))
	if len(got) != len(want) || len(got) != len(patterns)*len(subjects)+1 {
		t.Fatalf("lines: got %d; want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("%q in %q:\ngot  %s\nwant %s", patterns[i/len(subjects)], subjects[i%len(subjects)], got[i], want[i])
		}
	}
}

// mayFail runs a function and fails the test for anything but a Lua error.
func mayFail(t *testing.T, L *lua.LState, source string, args ...lua.LValue) []lua.LValue {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	L.SetContext(ctx)
	results, err := run(t, L, source, args...)
	var failure *RunError
	if err != nil && (!errors.As(err, &failure) || errors.Is(err, ErrUnusable)) {
		t.Fatalf("%s with %q: %v", source, args, err)
	}
	return results
}

func FuzzPattern(f *testing.F) {
	for _, p := range patterns {
		f.Add(p, "aab (b)c 12", "%1")
	}
	f.Fuzz(func(t *testing.T, pattern, subject, replacement string) {
		L, _ := mustState(t, Options{})
		p, s, r := lua.LString(pattern), lua.LString(subject), lua.LString(replacement)
		found := mayFail(t, L, `return string.find(...)`, s, p)
		if len(found) >= 2 && found[0] != lua.LNil {
			from, to := int(found[0].(lua.LNumber)), int(found[1].(lua.LNumber))
			if from < 1 || to > len(subject) || to < from-1 {
				t.Errorf("find %q in %q: got %d to %d", pattern, subject, from, to)
			}
		}
		mayFail(t, L, `return string.match(...)`, s, p)
		mayFail(t, L, `return string.gsub(...)`, s, p, r)
		mayFail(t, L, `local n = 0 for _ in string.gmatch(...) do n = n + 1 end assert(n <= #(...) + 1)`, s, p)
	})
}

func FuzzFormat(f *testing.F) {
	for _, format := range []string{"%d", "%5.2f|%-10s", "%q", "%a", "%g", "%x %X %o", "%c", "%%", "%i", "%p", "%.99f", "%+d", "%#x", "% d"} {
		f.Add(format, "text", 1.5)
	}
	f.Fuzz(func(t *testing.T, format, text string, number float64) {
		L, _ := mustState(t, Options{})
		mayFail(t, L, `local f, s, n = ... return string.format(f, s, n, s, n)`, lua.LString(format), lua.LString(text), lua.LNumber(number))
		mayFail(t, L, `local f, s, n = ... return string.format(f, n, s, n, s)`, lua.LString(format), lua.LString(text), lua.LNumber(number))
		back := mayFail(t, L, `local _, s, n = ... return load("return " .. string.format("%q", s))() == s, n ~= n or load("return " .. string.format("%q", n))() == n`,
			lua.LString(format), lua.LString(text), lua.LNumber(number))
		if len(back) != 2 || back[0] != lua.LTrue || back[1] != lua.LTrue {
			t.Errorf("%%q of %q and %v: got %v; want the same back", text, number, back)
		}
	})
}

func FuzzPack(f *testing.F) {
	for _, format := range []string{"b", "<i4 >i2", "z", "s1", "s8", "!8 d f", "c5", "x X i4", "j J T", "i16", "I3", "!2 i4", "Xd", "n"} {
		f.Add(format, "\x01\x02\x03text\x00more", int64(5))
	}
	f.Fuzz(func(t *testing.T, format, data string, number int64) {
		L, _ := mustState(t, Options{})
		mayFail(t, L, `return string.unpack(...)`, lua.LString(format), lua.LString(data))
		mayFail(t, L, `return string.unpack(...)`, lua.LString(format), lua.LString(data), lua.LNumber(number))
		size := mayFail(t, L, `return string.packsize(...)`, lua.LString(format))
		packed := mayFail(t, L, `local f, n = ... return #string.pack(f, n, n, n, n)`, lua.LString(format), lua.LNumber(number%100))
		if len(size) == 1 && len(packed) == 1 && size[0] != packed[0] {
			t.Errorf("%q: got %v bytes; packsize says %v", format, packed[0], size[0])
		}
		mayFail(t, L, `local f, s, n = ...
			local p = string.pack(f, s)
			local back = string.unpack(f, p)
			if type(back) == "string" and f:find("^[zs]%d?$") then assert(back == s) end`, lua.LString(format), lua.LString(data))
	})
}
