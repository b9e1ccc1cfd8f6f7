package dialect_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

// plain is Lua for which no way around the engine is needed: both parsers give
// the same tree, with the same lines.
var plain = []string{
	"",
	"local a, b = 1\nlocal c\nlocal function f(x, ...)\n return x, ...\nend",
	"a.b['c'][1].d = f(1, 2) { x = 1 } 'str' [[long]]",
	"function a.b\n.c:d(x)\nreturn self\n, x end function g() end",
	"x = function(...)\n\nreturn (...) end",
	"if a then\nb()\nelseif c then\nd()\nelseif e then else\nf()\nend",
	"while a\ndo b() end repeat local x = y\nuntil x\n== 1",
	"for i = 1,\n10 do end for i = 10, 1, -1 do f(i)\nend",
	"for k, v in pairs(t)\ndo print(k, v) end for _, x in ipairs{1,\n2} do f(x) end",
	"x = (a + b) *\n-c ^ 2 .. 'd' .. 1 == f",
	"x = 'd' .. #d == 'e' .. 2 .. not e",
	"x = a and b or c y = (a\n<= b) ~= (c > d) z = a - b - c / d ^ e ^ f % 5",
	"x = (a.b)(c)\n(d):e'f':g{h}",
	"return a, (f()), g(),\n...",
	"do\nlocal x\nend;;; ; do return end",
	"t = {1, 2; x = 3,\n[4] = 5, ['y'] = {z = {}}, f(), ...}",
	"local s = 'a\\n\\065\\\n' .. [==[\n]]]==] .. \"\\\"\"",
	"-- comment\n--[[ long\n]] x = 1 --[==[ ]]\n]==] y\n= 2",
	"x = 1\r\ny = 2\r\n\r\nz\r\n= 3",
	"f(function()\n g(function()\n end) end)",
	"(f or g)(x) \n; (function() end)()",
	"x = ((((a)))) return (((f()))), ((\n(f()))), (f\n()), ((...))",
}

func TestSameTree(t *testing.T) {
	for _, source := range plain {
		sameTree(t, "plain", []byte(source))
	}
}

func sameTree(t *testing.T, name string, source []byte) {
	t.Helper()
	want, err := parse.Parse(bytes.NewReader(source), name)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, source)
	}
	got, err := dialect.Parse(name, source)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, source)
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: not the same tree\n%s\ngot:\n%s\nwant:\n%s", name, source, parse.Dump(got), parse.Dump(want))
	}
}

// TestSameTreeOfPolicies holds every policy of the repository against the
// engine's parser: what that takes gives the same tree, in which a break, a goto
// and a for over something else than pairs may be written another way.
func TestSameTreeOfPolicies(t *testing.T) {
	compared := 0
	for _, root := range []string{"../examples", "../policy/testdata"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".lua" {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			want, wantErr := parse.Parse(bytes.NewReader(source), path)
			got, gotErr := dialect.Parse(path, source)
			switch {
			case gotErr == nil && wantErr != nil && !extended(source):
				t.Errorf("%s: got no error; the engine's parser says %v", path, wantErr)
			case gotErr != nil && wantErr == nil && !tooLarge(want, path):
				t.Errorf("%s: got %v; the engine's parser says nothing", path, gotErr)
			}
			if gotErr != nil || wantErr != nil {
				return nil
			}
			compared++
			if !reflect.DeepEqual(got, want) && !rewritten(source) {
				t.Errorf("%s: not the same tree\n%s\n%s", path, parse.Dump(got), parse.Dump(want))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if compared == 0 {
		t.Error("no policy was found")
	}
}

// extended reports whether a policy has what only this parser knows.
func extended(source []byte) bool {
	return bytes.HasPrefix(source, []byte("#")) || bytes.HasPrefix(source, []byte("\xEF\xBB\xBF"))
}

// tooLarge reports whether a policy is refused by the engine's compiler, or is
// written to be too deep for it.
func tooLarge(chunk []ast.Stmt, path string) bool {
	if strings.Contains(path, "too-deep") {
		return true
	}
	_, err := lua.Compile(chunk, path)
	return err != nil
}

// rewritten reports whether a policy has something that is put into the tree in
// other words.
func rewritten(source []byte) bool {
	for _, word := range []string{"break", "goto", "gmatch", " in ", "0x", " .. "} {
		if bytes.Contains(source, []byte(word)) {
			return true
		}
	}
	return false
}

// TestLinesOfKeys: the keys of a table have their lines, which errors about a
// policy's options tell.
func TestLinesOfKeys(t *testing.T) {
	chunk, err := dialect.Parse("t", []byte("start {\n a = 1,\n ['b'] =\n 2,\n\n 3,\n [4] = 5 }"))
	if err != nil {
		t.Fatal(err)
	}
	call := chunk[0].(*ast.FuncCallStmt).Expr.(*ast.FuncCallExpr)
	var got []int
	for _, field := range call.Args[0].(*ast.TableExpr).Fields {
		if field.Key != nil {
			got = append(got, field.Key.Line())
		}
		got = append(got, field.Value.Line())
	}
	if want := []int{2, 2, 3, 4, 6, 7, 7}; !reflect.DeepEqual(got, want) {
		t.Errorf("got lines %v; want %v", got, want)
	}
}
