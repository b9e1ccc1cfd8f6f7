package dialect_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

const longestString = 1 << 20

// newState is a state with the standard libraries whose output goes to out.
func newState(t testing.TB, out io.Writer) *lua.LState {
	t.Helper()
	L := lua.NewState(lua.Options{RegistryMaxSize: 1 << 20})
	t.Cleanup(L.Close)
	dialect.Install(L, longestString)
	L.SetGlobal("print", L.NewFunction(func(L *lua.LState) int {
		for i := range L.GetTop() {
			if i > 0 {
				fmt.Fprint(out, "\t")
			}
			fmt.Fprint(out, L.ToStringMeta(L.Get(i+1)))
		}
		fmt.Fprintln(out)
		return 0
	}))
	L.SetField(L.GetGlobal("math"), "huge", lua.LNumber(math.Inf(1)))
	files := L.GetGlobal("io").(*lua.LTable)
	files.RawSetString("write", L.NewFunction(func(L *lua.LState) int {
		for i := range L.GetTop() {
			fmt.Fprint(out, L.Get(i+1))
		}
		return 0
	}))
	L.SetGlobal("load", L.NewFunction(func(L *lua.LState) int {
		proto, err := dialect.Compile("load", []byte(L.CheckString(1)))
		if err != nil {
			L.RaiseError("%v", err)
		}
		f := L.NewFunctionFromProto(proto)
		f.Env = L.OptTable(2, f.Env)
		L.Push(f)
		return 1
	}))
	return L
}

// run compiles and runs a chunk in a state, and returns its error as text.
func run(L *lua.LState, name string, source []byte) error {
	proto, err := dialect.Compile(name, source)
	if err != nil {
		return err
	}
	L.Push(L.NewFunctionFromProto(proto))
	err = L.PCall(0, 0, nil)
	var raised *lua.ApiError
	if errors.As(err, &raised) {
		return errors.New(raised.Object.String())
	}
	return err
}

// output runs a chunk that must not fail, and returns what it prints.
func output(t *testing.T, source string) string {
	t.Helper()
	var out strings.Builder
	if err := run(newState(t, &out), "test", []byte(source)); err != nil {
		t.Fatalf("%s\n%v", source, err)
	}
	return out.String()
}

// tool is the path of a program of the reference implementation; without it the
// test is skipped.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s on this machine", name)
	}
	return path
}

// variable is what Lua knows of the name of an operand and the engine does not.
var variable = regexp.MustCompile(` \((local|global|field|upvalue|constant|method) '[^']*'\)`)

// TestSameAsReference runs every script with the reference implementation too.
// What they print is the same, and so is the error that ends those named error-.
func TestSameAsReference(t *testing.T) {
	reference := tool(t, "lua5.4")
	scripts, err := filepath.Glob("testdata/*.lua")
	if err != nil || len(scripts) < 120 {
		t.Fatalf("got %d scripts, %v; want 120 or more", len(scripts), err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".lua"), func(t *testing.T) {
			source, err := os.ReadFile(script)
			if err != nil {
				t.Fatal(err)
			}
			command := exec.Command(reference, script)
			command.Args[0] = "lua5.4"
			var want, complaint strings.Builder
			command.Stdout, command.Stderr = &want, &complaint
			failed := command.Run() != nil
			if failed != strings.HasPrefix(filepath.Base(script), "error-") {
				t.Fatalf("the reference says %q", complaint.String())
			}
			var got strings.Builder
			err = run(newState(t, &got), script, source)
			if got.String() != want.String() {
				t.Errorf("got  %q\nwant %q", got.String(), want.String())
			}
			first, _, _ := strings.Cut(complaint.String(), "\n")
			message := variable.ReplaceAllString(strings.TrimPrefix(first, "lua5.4: "), "")
			switch {
			case failed && (err == nil || err.Error() != message):
				t.Errorf("got error %v; want %v", err, message)
			case !failed && err != nil:
				t.Errorf("got error %v; want none", err)
			}
		})
	}
}
