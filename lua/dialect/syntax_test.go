package dialect_test

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

// mistakes are chunks that are no Lua, and what is said about them. A comment
// beside one says where that is more than the reference implementation says.
var mistakes = []struct{ source, want string }{
	// Statements.
	{"x", "t:1: syntax error near <eof>"},
	{"x.y.z\n", "t:2: syntax error near <eof>"},
	{"x,y", "t:1: '=' expected near <eof>"},
	{"x,y=", "t:1: unexpected symbol near <eof>"},
	{"x = = 2", "t:1: unexpected symbol near '='"},
	{"\n(a) = 1", "t:2: syntax error near '='"},
	{"a, (b) = 1", "t:1: syntax error near '='"},
	{"f() = 1", "t:1: syntax error near '='"},
	{"a, f() = 1, 2", "t:1: syntax error near '='"},
	{"(f())", "t:1: syntax error near <eof>"},
	{"f\n", "t:2: syntax error near <eof>"},
	{`"abc"`, "t:1: unexpected symbol near <string>"},
	{" #x", "t:1: unexpected symbol near '#'"},
	{"42", "t:1: unexpected symbol near '42'"},
	{"and", "t:1: unexpected symbol near 'and'"},
	{"local 1", "t:1: <name> expected near '1'"},
	{"local a.b = 1", "t:1: unexpected symbol near '.'"},
	{"local x <foo> = 1", "t:1: unknown attribute 'foo'"},
	{"local x <const", "t:1: '>' expected near <eof>"},
	{"local function f", "t:1: '(' expected near <eof>"},
	{"local function a.b() end", "t:1: '(' expected near '.'"},
	{"function 1() end", "t:1: <name> expected near '1'"},
	{"function a:b.c() end", "t:1: '(' expected near '.'"},
	{"function f(a,) end", "t:1: <name> or '...' expected near ')'"},
	{"function f(..., a) end", "t:1: ')' expected near ','"},
	{"return 1 x", "t:1: <eof> expected near 'x'"},
	{"return return", "t:1: unexpected symbol near 'return'"},
	{"return,", "t:1: unexpected symbol near ','"},
	{"do return 1 print() end", "t:1: 'end' expected near 'print'"},
	{"end", "t:1: <eof> expected near 'end'"},
	{"print(1) else", "t:1: <eof> expected near 'else'"},
	// Blocks.
	{"if x print(1) end", "t:1: 'then' expected near 'print'"},
	{"if x then else elseif y then end", "t:1: 'end' expected near 'elseif'"},
	{"if x then\nprint(1)\n", "t:3: 'end' expected (to close 'if' at line 1) near <eof>"},
	{"while x print(1) end", "t:1: 'do' expected near 'print'"},
	{"while x do\n\n", "t:3: 'end' expected (to close 'while' at line 1) near <eof>"},
	{"for i", "t:1: '=' or 'in' expected near <eof>"},
	{"for i = 1 do end", "t:1: ',' expected near 'do'"},
	{"for i in x print() end", "t:1: 'do' expected near 'print'"},
	{"for a.b = 1, 2 do end", "t:1: '=' or 'in' expected near '.'"},
	{"for 1 = 1, 2 do end", "t:1: <name> expected near '1'"},
	{"repeat\nlocal x\n", "t:3: 'until' expected (to close 'repeat' at line 1) near <eof>"},
	{"repeat until x = 1", "t:1: unexpected symbol near '='"},
	{"do\n\nprint(1)", "t:3: 'end' expected (to close 'do' at line 1) near <eof>"},
	{"local f = function()\nif x then end\n", "t:3: 'end' expected (to close 'function' at line 1) near <eof>"},
	{"function f()\n", "t:2: 'end' expected (to close 'function' at line 1) near <eof>"},
	// Expressions.
	{"x = }", "t:1: unexpected symbol near '}'"},
	{"f(", "t:1: unexpected symbol near <eof>"},
	{"f(1\n", "t:2: ')' expected (to close '(' at line 1) near <eof>"},
	{"f(1 2)", "t:1: ')' expected near '2'"},
	{"x = (1 + 2", "t:1: ')' expected near <eof>"},
	{"local t = {1,2", "t:1: '}' expected near <eof>"},
	{"local t = {\n1,\n2", "t:3: '}' expected (to close '{' at line 1) near <eof>"},
	{"t = {a b}", "t:1: '}' expected near 'b'"},
	{"t = {[1] 2}", "t:1: '=' expected near '2'"},
	{"t = {[1 = 2}", "t:1: ']' expected near '='"},
	{"t = {,}", "t:1: unexpected symbol near ','"},
	{"a.b:c = 1", "t:1: function arguments expected near '='"},
	{"x = a:b", "t:1: function arguments expected near <eof>"},
	{"x = a.1", "t:1: unexpected symbol near '.1'"},
	{"x = a.'b'", "t:1: <name> expected near <string>"},
	{"a = -", "t:1: unexpected symbol near <eof>"},
	{"a = not", "t:1: unexpected symbol near <eof>"},
	{"x = ~", "t:1: unexpected symbol near <eof>"},
	{"~x = 1", "t:1: unexpected symbol near '~'"},
	{"x = 1 +\n\n* 2", "t:3: unexpected symbol near '*'"},
	{"x = function f() end", "t:1: '(' expected near 'f'"},
	{"local function f() return ... end", "t:1: cannot use '...' outside a vararg function near '...'"},
	{"x = a[1", "t:1: ']' expected near <eof>"},
	// Constants.
	{"local x <const> = 1 \nx\n= 2", "t:2: attempt to assign to const variable 'x'"}, // 3 there
	{"local x <const> = 1\nlocal function f()\n x = 2 end", "t:3: attempt to assign to const variable 'x'"},
	{"local a <const>, b <const> = 1, 2; b = 3", "t:1: attempt to assign to const variable 'b'"},
	{"local x <const> = 1\ny, x = 1, 2", "t:2: attempt to assign to const variable 'x'"},
	{"local x <const> = 1\nfunction x() end", "t:2: attempt to assign to const variable 'x'"},
	{"local x <const> = 1; do local x = 2; x = 3 end x = 4", "t:1: attempt to assign to const variable 'x'"},
	// Labels.
	{"goto x", "t:1: no visible label 'x' for <goto> at line 1"},
	{"goto 1", "t:1: <name> expected near '1'"},
	{"do ::a:: end goto a", "t:1: no visible label 'a' for <goto> at line 1"},
	{"\ngoto f\nlocal function g() ::f:: end\n", "t:2: no visible label 'f' for <goto> at line 2"},
	{"::a:: local function g() goto a end", "t:1: no visible label 'a' for <goto> at line 1"},
	{"::a::\n::a::", "t:2: label 'a' already defined on line 1"},
	{"::a:: do\n ::a:: end", "t:2: label 'a' already defined on line 1"},
	{"::a", "t:1: '::' expected near <eof>"},
	{"goto a; local b; ::a:: print(b)", "t:1: <goto a> at line 1 jumps into the scope of local 'b'"},
	{"repeat goto c; local x; ::c:: until x", "t:1: <goto c> at line 1 jumps into the scope of local 'x'"},
	{"do local a, b goto x end local c; ::x:: f()", "t:1: <goto x> at line 1 jumps into the scope of local 'c'"},
	{"do goto a end local x, y; ::a:: f()", "t:1: <goto a> at line 1 jumps into the scope of local 'x'"},
	{"break", "t:1: break outside loop at line 1"},
	{"while true do local function f()\nbreak end end", "t:2: break outside loop at line 2"},
	{"if x then break end", "t:1: break outside loop at line 1"},
	// Numbers.
	{"x = 0x", "t:1: malformed number near '0x'"},
	{"x = 3x", "t:1: malformed number near '3x'"},
	{"x = 3e", "t:1: malformed number near '3e'"},
	{"x = 3e+", "t:1: malformed number near '3e+'"},
	{"x = 1..2", "t:1: malformed number near '1..2'"},
	{"x = 1.2.3", "t:1: malformed number near '1.2.3'"},
	{"x = 0xep1q", "t:1: malformed number near '0xep1q'"},
	{"x = 0x.p1", "t:1: malformed number near '0x.p1'"},
	{"x = 1_000", "t:1: malformed number near '1_000'"},
	{"x = 0b1", "t:1: malformed number near '0b1'"},
	{"x = 0x1p", "t:1: malformed number near '0x1p'"},
	// Strings: the text of one is never shown.
	{`x = "secret`, "t:1: unfinished string (starting at line 1) near <eof>"},
	{"x = 'secret\nmore'", "t:1: unfinished string (starting at line 1)"},
	{"x = 'secret\\\nmore\nx'", "t:2: unfinished string (starting at line 1)"},
	{"x = 'secret\\z\n\n more", "t:3: unfinished string (starting at line 1) near <eof>"},
	{`x = "secret\`, "t:1: unfinished string (starting at line 1) near <eof>"},
	{"x = [[secret\n\n", "t:3: unfinished long string (starting at line 1) near <eof>"},
	{"x = [==[secret ]] ]=]\n", "t:2: unfinished long string (starting at line 1) near <eof>"},
	{"\n--[[ secret\n", "t:3: unfinished long comment (starting at line 2) near <eof>"},
	{"--[==[ ]]", "t:1: unfinished long comment (starting at line 1) near <eof>"},
	{"x = [=secret", "t:1: invalid long string delimiter near '[='"},
	{"x = [==", "t:1: invalid long string delimiter near '[=='"},
	{`x = "secret\q"`, "t:1: invalid escape sequence in a string"},
	{`x = "secret\400"`, "t:1: decimal escape too large in a string"},
	{`x = "secret\x4"`, `t:1: hexadecimal digit expected (\x takes two) in a string`},
	{`x = "secret\xZZ"`, `t:1: hexadecimal digit expected (\x takes two) in a string`},
	{`x = "secret\u0041"`, `t:1: missing '{' in \u{xxxx} in a string`},
	{`x = "secret\u{}"`, `t:1: hexadecimal digit expected in \u{xxxx} in a string`},
	{`x = "secret\u{41"`, `t:1: missing '}' in \u{xxxx} in a string`},
	{`x = "secret\u{80000000}"`, "t:1: UTF-8 value too large in a string"},
	{`x = "secret" "more"` + "\n'again'", "t:1: unexpected symbol near <string>"},
	// Bytes.
	{"x = @", "t:1: unexpected symbol near '@'"},
	{"x = !y", "t:1: unexpected symbol near '!'"},
	{"if x != y then end", "t:1: unexpected symbol (not equal is written ~=) near '!='"},
	{"x = é", `t:1: unexpected symbol near '<\195>'`},
	{"x = 1\n\x00", `t:2: unexpected symbol near '<\0>'`},
	{"\xFF\xFEx", `t:1: unexpected symbol near '<\255>'`},
	{"x = 1 \x7F", `t:1: unexpected symbol near '<\127>'`},
}

func TestMistakes(t *testing.T) {
	for _, m := range mistakes {
		_, err := dialect.Parse("t", []byte(m.source))
		if err == nil || err.Error() != m.want {
			t.Errorf("%q: got %v; want %v", m.source, err, m.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows what is in the string", m.source)
		}
	}
}

// elsewhere is where the reference implementation says a jump without a target
// is: at the end of the block, and of the jump in the message.
var elsewhere = regexp.MustCompile(`for <goto> at line |break outside loop at line `)

// TestMistakesOnSameLine compares the lines of errors with those of luac.
func TestMistakesOnSameLine(t *testing.T) {
	luac := tool(t, "luac5.4")
	place := regexp.MustCompile(`:(\d+): (.*)`)
	for _, m := range mistakes {
		command := exec.Command(luac, "-p", "-")
		command.Stdin = strings.NewReader(m.source)
		text, err := command.CombinedOutput()
		said := place.FindStringSubmatch(string(text))
		if err == nil || said == nil {
			t.Errorf("%q: luac says %q", m.source, text)
			continue
		}
		line := said[1]
		if elsewhere.MatchString(said[2]) {
			_, line, _ = strings.Cut(said[2], "at line ")
		}
		if strings.HasPrefix(m.want, "t:2: attempt") && strings.HasSuffix(m.source, "\n= 2") {
			line = "2" // the variable, not the operator
		}
		if !strings.HasPrefix(m.want, "t:"+line+":") {
			t.Errorf("%q: got %v; luac says %s", m.source, m.want, text)
		}
	}
}

// TestRefused: Lua 5.4 that the engine cannot run as it is meant.
func TestRefused(t *testing.T) {
	for _, m := range []struct{ source, want string }{
		{"local f\nlocal x <close> = f", "t:2: variable 'x' cannot be <close> here: close it yourself, with pcall around what may fail"},
		{"_ENV = {}", "t:1: _ENV is not supported: the globals of a policy cannot be exchanged"},
		{"local _ENV = {}", "t:1: _ENV is not supported: the globals of a policy cannot be exchanged"},
		{"function f(a, _ENV) end", "t:1: _ENV is not supported: the globals of a policy cannot be exchanged"},
		{"print(_ENV.x)", "t:1: _ENV is not supported: the globals of a policy cannot be exchanged"},
		{"\nx = 9007199254740993", "t:2: integer beyond 2^53 would lose precision (write 9007199254740993.0 for the nearest float) near '9007199254740993'"},
		{"x = 9223372036854775807", "t:1: integer beyond 2^53 would lose precision (write 9223372036854775807.0 for the nearest float) near '9223372036854775807'"},
		{"x = 0x20000000000001", "t:1: integer beyond 2^53 would lose precision (write 0x20000000000001p0 for the nearest float) near '0x20000000000001'"},
		{"x = 0xFFFFFFFFFFFFFFFFF", "t:1: integer beyond 2^53 would lose precision (write 0xFFFFFFFFFFFFFFFFFp0 for the nearest float) near '0xFFFFFFFFFFFFFFFFF'"},
		{"for x = 0.1, 1 do end", "t:1: for loop from 0.1 by 1 would round its first value: count in integers and divide"},
		{"function f(...) return arg end", "t:1: the global 'arg' cannot be used in a function with '...': keep it in a local outside"},
		{"function f(...) return function() arg = 1 end end", "t:1: the global 'arg' cannot be used in a function with '...': keep it in a local outside"},
		{"::top::\nlocal x = 1\nif f() then local x = 2 goto top end", "t:3: goto 'top' jumps back over locals that all have namesakes here: rename one"},
	} {
		_, err := dialect.Parse("t", []byte(m.source))
		if err == nil || err.Error() != m.want {
			t.Errorf("%q: got %v; want %v", m.source, err, m.want)
		}
	}
}

// TestColumns: a column counts bytes, from the line's first.
func TestColumns(t *testing.T) {
	for _, m := range []struct {
		source       string
		line, column int
		near         string
	}{
		{"x = @", 1, 5, "@"},
		{"x = 1\r\n  local 5", 2, 9, "5"},
		{"'é' = 1", 1, 1, "<string>"},
		{"x =\n\t'a\\qb'", 2, 4, ""},
		{"x = 1 +", 1, 8, "<eof>"},
		{"local a <const> = 1; a = 2", 1, 22, ""},
		{"  goto nowhere", 1, 8, ""},
	} {
		_, err := dialect.Parse("t", []byte(m.source))
		var got *dialect.Error
		if !errors.As(err, &got) {
			t.Errorf("%q: got %v; want an *Error", m.source, err)
			continue
		}
		if got.Name != "t" || got.Line != m.line || got.Column != m.column || got.Near != m.near {
			t.Errorf("%q: got %+v; want line %d, column %d, near %q", m.source, got, m.line, m.column, m.near)
		}
	}
}
