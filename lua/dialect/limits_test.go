package dialect_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

// list is n items with a separator between, each made from a format by its number.
func list(n int, separator, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = strings.ReplaceAll(format, "#", fmt.Sprint(i+1))
	}
	return strings.Join(items, separator)
}

// TestLarge: what is large for a policy works or is refused with a line, and
// never runs as something else.
func TestLarge(t *testing.T) {
	nested := func(open, middle, closing string, n int) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(closing, n)
	}
	for _, c := range []struct{ name, source, want string }{
		{"elseif", "local x = 1500 if x == 0 then" + list(2000, "", " elseif x == # then y = #") + " end print(y)", "1500\n"},
		{"elseif too many", "if x then\n" + list(6000, "\n", "elseif x then") + " end", "!statement has more than 5000 levels"},
		{"sum", "print(" + list(4000, " + ", "#") + ")", "8002000\n"},
		{"sum too long", "x = " + list(6000, " + ", "a"), "!expression or statement has more than 5000 levels"},
		{"and", "print(" + list(4000, " and ", "print") + " == print)", "true\n"},
		{"fields", "local t = {} t.x = t print(t" + strings.Repeat(".x", 4000) + " == t)", "true\n"},
		{"fields too many", "x = t" + strings.Repeat(".x", 6000), "!more than 5000 levels"},
		{"calls too many", "f" + strings.Repeat("()", 6000), "!more than 5000 levels"},
		{"concat", "print(#(" + list(150, " .. ", "'x'") + "))", "150\n"},
		{"concat too long", "x = " + list(5000, " .. ", "'x'"), "!chunk has too many syntax levels (limit is 200) near"},
		{"power", "x = " + list(5000, " ^ ", "a"), "!too many syntax levels"},
		{"parentheses", "print(" + nested("(", "1", ")", 190) + ")", "1\n"},
		{"parentheses too deep", "x = " + nested("(", "1", ")", 100000), "!too many syntax levels"},
		{"parentheses left", "x = " + nested("(", "1", " + 1)", 150), ""},
		{"not", "x = " + nested("not ", "1", "", 100000), "!too many syntax levels"},
		{"minus", "x = " + nested("- ", "1", "", 100000), "!too many syntax levels"},
		{"tilde", "x = " + nested("~", "1", "", 100000), "!too many syntax levels"},
		{"tables", "x = " + nested("{", "", "}", 100000), "!too many syntax levels"},
		{"indexes", "x = " + nested("a[", "1", "]", 100000), "!too many syntax levels"},
		{"blocks", nested("do ", "", " end", 100000), "!too many syntax levels"},
		{"functions", "x = " + nested("function() return ", "1", " end", 100000), "!too many syntax levels"},
		{"ifs", nested("if x then ", "", " end", 100000), "!too many syntax levels"},
		{"whiles", nested("while x do ", "", " end", 150), ""},
		{"labels", list(100000, " ", "::l#::"), "!too many syntax levels"},
		{"semicolons", strings.Repeat(";", 100000), ""},
		{"brackets", "x = " + strings.Repeat("[", 100000), "!unfinished long string"},
		{"level", "x = [" + strings.Repeat("=", 100000) + "[a]" + strings.Repeat("=", 100000) + "] print(x)", "a\n"},
		{"strings in a chain", "f" + strings.Repeat("''", 6000), "!more than 5000 levels"},

		{"locals", list(199, "\n", "local l# = #") + "\nx = 1\nprint(l199)\ny = 2", "!t:201: function needs too many registers"},
		{"locals with room", list(190, " ", "local l# = #") + " print(l190)", "190\n"},
		{"locals too many", list(201, "\n", "local l#"), "!t:201: too many local variables (limit is 200) in main function"},
		{"parameters too many", "\nfunction f(" + list(201, ", ", "p#") + ") end", "!t:2: too many local variables (limit is 200) in function at line 2"},
		{"locals at once", "local " + list(300, ", ", "l#"), "!too many local variables"},
		{"arguments", "print(select('#', " + list(150, ", ", "#") + "))", "150\n"},
		{"arguments too many", "\nfunction f()\nprint(" + list(260, ", ", "#") + ") end", "!t:2: function needs too many registers"},
		{"targets", "\n" + list(110, ", ", "a[#]") + " = " + list(110, ", ", "#"), "!t:2: function needs too many registers"},
		{"returns too many", "return " + list(300, ", ", "a"), "!t:1: function needs too many registers"},
	} {
		t.Run(c.name, func(t *testing.T) { large(t, c.source, c.want) })
	}
}

// large runs a chunk that prints want, or is refused with an error that has in
// it what follows the exclamation mark.
func large(t *testing.T, source, want string) {
	t.Helper()
	refused, shouldFail := strings.CutPrefix(want, "!")
	_, err := dialect.Compile("t", []byte(source))
	if !shouldFail {
		if err != nil {
			t.Fatal(err)
		}
		if got := output(t, "local a = {} "+source); want != "" && got != want {
			t.Errorf("got %q; want %q", got, want)
		}
		return
	}
	var failed *dialect.Error
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), refused) {
		t.Fatalf("got %.200v; want an *Error with %q", err, refused)
	}
	if !regexp.MustCompile(`^t:\d+: `).MatchString(err.Error()) {
		t.Errorf("got %q; want a line", err)
	}
}

func TestUpvalues(t *testing.T) {
	// Each of three functions has locals, and the innermost uses all.
	source := func(n int) string {
		return list(n, " ", "local a# = 1") + "\nlocal function f() " + list(n, " ", "local b# = 1") +
			" return function()\nreturn function() return " + list(n, " + ", "a# + b#") + " end end end print(f()()())"
	}
	large(t, source(120), "240\n")
	large(t, source(150), "!t:2: function has too many upvalues (limit is 255)")
}

func TestConstants(t *testing.T) {
	var got strings.Builder
	if err := run(newState(t, &got), "t", []byte("local t = {"+list(4000, ", ", "k# = 'v#'")+"} print(t.k1, t.k4000, t.k300)")); err != nil {
		t.Fatal(err)
	}
	if want := "v1\tv4000\tv300\n"; got.String() != want {
		t.Errorf("got %q; want %q", got.String(), want)
	}
	large(t, "x = {"+list(50000, ", ", "'v#'")+"}", "!too many constants in main function: keep data in a file")
}

func TestBranches(t *testing.T) {
	large(t, list(1025, "\n", "do ::a:: end"), "!too many labels in main function (limit is 1024)")
	large(t, list(1024, "\n", "do goto l# ::l#:: end"), "")
	large(t, "local x, y\n"+list(40000, "\n", "if x then x = y end"), "!too many branches in main function")
	large(t, "local x, y while true do break\n"+list(10000, "\n", "x("+list(14, ", ", "y")+")")+"\nend print('ok')", "!function has too many instructions to jump over")
	large(t, "local x, y for i = 1, 2 do\n"+list(10000, "\n", "x("+list(14, ", ", "y")+")")+"\nend print('ok')", "!function has too many instructions to jump over")
	large(t, list(20000, "\n", "x = y"), "")
}

// TestLongTables: the engine stores positional fields in batches of 50, and its
// count of them must be right for every way to end a table.
func TestLongTables(t *testing.T) {
	const period = 97 // few constants, so that the compiler is quick
	values := make([]string, 30000)
	for i := range values {
		values[i] = fmt.Sprint((i + 1) % period)
	}
	for _, n := range []int{0, 1, 49, 50, 51, 99, 100, 101, 150, 25549, 25550, 25551, 25600} {
		for _, c := range []struct {
			end   string
			extra int
		}{
			{"", 0}, {", k = 'key'", 0}, {", k = f(), l = 'l'", 0}, {", f()", 2}, {", ...", 3}, {", k = f(), f()", 2}, {", (f())", 1},
		} {
			head := strings.Join(values[:n], ", ")
			if n == 0 {
				head = "nil"
			}
			if n > 25000 && strings.Contains(c.end, "l =") {
				continue // one key is enough for a table that takes so long
			}
			source := "local function f() return 'a', 'b' end\nlocal function g(...) local t = {" + head + c.end +
				"} for i = 1, " + fmt.Sprint(n) + " do if t[i] ~= i % 97 then error('at ' .. i .. ': ' .. tostring(t[i])) end end\n" +
				"if t.k ~= nil and t.k ~= 'key' and t.k ~= 'a' then error('key') end\n" +
				"local n = 0 for k in pairs(t) do if type(k) == 'number' then n = n + 1 end end return n end\nprint(g('x', 'y', 'z'))"
			if got, want := output(t, source), fmt.Sprintln(n+c.extra); got != want {
				t.Errorf("%d fields%s: got %q fields; want %q", n, c.end, got, want)
			}
		}
	}
}

func TestEmptyChunks(t *testing.T) {
	for _, source := range []string{"", "\n", "--", "--\n", "#!/usr/bin/lua", "#!/usr/bin/lua\nreturn", "\xEF\xBB\xBF", "\xEF\xBB\xBF#!\n--[[]]", ";", "--[[\n]]"} {
		if err := run(newState(t, io.Discard), "t", []byte(source)); err != nil {
			t.Errorf("%q: got %v; want none", source, err)
		}
	}
}
