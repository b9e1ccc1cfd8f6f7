package engine

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestCall(t *testing.T) {
	L, out := mustState(t, Options{})
	fn := mustCompile(t, L, `print(...) return select('#', ...), ...`)
	for _, c := range []struct {
		nret int
		want []lua.LValue
	}{
		{lua.MultRet, []lua.LValue{lua.LNumber(2), lua.LString("a"), lua.LNil}},
		{0, nil},
		{1, []lua.LValue{lua.LNumber(2)}},
		{5, []lua.LValue{lua.LNumber(2), lua.LString("a"), lua.LNil, lua.LNil, lua.LNil}},
	} {
		got, err := Call(L, fn, c.nret, lua.LString("a"), lua.LNil)
		if err != nil || len(got) != len(c.want) {
			t.Fatalf("%d results: got %v, %v; want %v", c.nret, got, err, c.want)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%d results: got %v; want %v", c.nret, got, c.want)
			}
		}
	}
	if want := strings.Repeat("a\tnil\n", 4); out.String() != want {
		t.Errorf("printed: got %q; want %q", out, want)
	}
	if L.GetTop() != 0 {
		t.Errorf("values left on the stack: got %d; want 0", L.GetTop())
	}
}

func TestRunError(t *testing.T) {
	L, _ := mustState(t, Options{})
	_, err := run(t, L, "local function inner()\n  error('no')\nend\nlocal ok = pcall(error)\nlocal function outer() inner() return 1 end\nouter()")
	var failure *RunError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v; want a RunError", err)
	}
	if failure.Message != "test:2: no" || failure.Value != lua.LString("test:2: no") || failure.Timeout || errors.Is(err, ErrUnusable) {
		t.Errorf("got %+v; want the message test:2: no", failure)
	}
	want := "stack traceback:\n\t[C]: in function 'error'\n\ttest:2: in upvalue 'inner'\n\ttest:5: in local 'outer'\n\ttest:6: in main chunk\n\t[C]: in ?"
	if failure.Traceback != want {
		t.Errorf("got %s\nwant %s", failure.Traceback, want)
	}
	_, err = run(t, L, "error({code = 7})")
	if !errors.As(err, &failure) || failure.Message != "(error object is a table value)" || L.GetField(failure.Value, "code") != lua.LNumber(7) {
		t.Errorf("got %+v; want the table", failure)
	}
	_, err = run(t, L, "error()")
	if !errors.As(err, &failure) || failure.Value != lua.LNil {
		t.Errorf("got %+v; want nil", failure)
	}
}

// TestTraceback: the handler of xpcall, and what runs in a protected call, see all
// calls up to the start of the coroutine.
func TestTraceback(t *testing.T) {
	L, out := mustState(t, Options{})
	L.SetGlobal("traceback", L.NewFunction(func(L *lua.LState) int {
		L.Push(lua.LString(Traceback(L, 1)))
		return 1
	}))
	_, err := run(t, L, `local function fail() error("x") end
local function handler() return (traceback()) end
local function try() return select(2, xpcall(fail, handler)) end
print((try()))
local t = setmetatable({}, {__index = function() return (traceback()) end})
print((select(2, pcall(function() return (t.x) end))))
print((coroutine.wrap(function() return (traceback()) end)()))`)
	if err != nil {
		t.Fatal(err)
	}
	want := `stack traceback:
	test:2: in function <test:2>
	[C]: in function 'error'
	test:1: in function <test:1>
	[C]: in function 'xpcall'
	test:3: in local 'try'
	test:4: in main chunk
	[C]: in ?
stack traceback:
	test:5: in metamethod 'index'
	test:6: in function <test:6>
	[C]: in function 'pcall'
	test:6: in main chunk
	[C]: in ?
stack traceback:
	test:7: in function <test:7>
`
	if out.String() != want {
		t.Errorf("got %s\nwant %s", out, want)
	}
	_, err = run(t, L, "local function deep(n) if n == 0 then error('x') end deep(n - 1) return 1 end deep(100)")
	var failure *RunError
	if !errors.As(err, &failure) || !strings.Contains(failure.Traceback, "\n\t...\t(skipping ") || strings.Count(failure.Traceback, "\n") > 30 {
		t.Errorf("got %v; want a shortened traceback", err)
	}
}

// TestLargeStacksAreDropped: a state does not keep what one deep call needed.
func TestLargeStacksAreDropped(t *testing.T) {
	L, _ := mustState(t, Options{})
	if _, err := run(t, L, `local function deep(n) if n > 0 then return 1 + deep(n - 1) end return 0 end pcall(deep, 5000)`); err != nil {
		t.Fatal(err)
	}
	for _, th := range of(L).idle {
		if got := stackSize(th); got > 2*registryStep {
			t.Errorf("room for %d values; want at most %d", got, 2*registryStep)
		}
	}
}

// TestNestedCall: a Go function that calls Lua by Call and meets an error leaves
// the variables of its callers alone. With the library's PCall, use would see nil.
func TestNestedCall(t *testing.T) {
	L, out := mustState(t, Options{})
	L.SetGlobal("try", L.NewFunction(func(L *lua.LState) int {
		_, err := Call(L, L.CheckFunction(1), 0)
		L.Push(lua.LString(err.Error()))
		return 1
	}))
	_, err := run(t, L, `
		local a
		local function use() return a end
		print(try(function() error("inner", 0) end))
		a = 1
		print(use())
		print(coroutine.wrap(function() return try(function() coroutine.yield() end) end)())`)
	if want := "inner\n1\nattempt to yield across a C-call boundary\n"; err != nil || out.String() != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}

// TestFault: a panic in Go passes through pcall, ends the call and the state, and
// not the process.
func TestFault(t *testing.T) {
	for name, source := range map[string]string{
		"plain":       `crash()`,
		"pcall":       `pcall(crash) print("went on")`,
		"coroutine":   `coroutine.resume(coroutine.create(crash)) print("went on")`,
		"after yield": `local co = coroutine.wrap(function() pcall(function() coroutine.yield() crash() end) end) co() pcall(co) print("went on")`,
		"callback":    `pcall(table.sort, {2, 1}, crash) print("went on")`,
	} {
		t.Run(name, func(t *testing.T) {
			L, out := mustState(t, Options{})
			L.SetGlobal("crash", L.NewFunction(func(*lua.LState) int {
				var none *lua.LTable
				return none.Len()
			}))
			_, err := run(t, L, source)
			var failure *RunError
			if !errors.As(err, &failure) || !errors.Is(err, ErrUnusable) || failure.Value != nil || out.Len() > 0 {
				t.Errorf("got %v, printed %q; want ErrUnusable", err, out)
			}
			if _, err := run(t, L, "return 1"); !errors.Is(err, ErrUnusable) {
				t.Errorf("the next call: got %v; want ErrUnusable", err)
			}
		})
	}
}

func TestClose(t *testing.T) {
	L := New(Options{})
	path := filepath.Join(t.TempDir(), "left-open")
	_, err := run(t, L, `
		local path = ...
		f = io.open(path, "w") f:write("buffered")
		p = io.popen("sleep 1000")
		t = io.tmpfile()
		c = coroutine.wrap(function() pcall(coroutine.yield) end) c()`, lua.LString(path))
	if err != nil {
		t.Fatal(err)
	}
	if got := of(L).resources.count(); got != 3 {
		t.Errorf("open: got %d; want 3", got)
	}
	Close(L)
	Close(L)
	if got, err := os.ReadFile(path); string(got) != "buffered" || err != nil {
		t.Errorf("the file: got %q, %v; want what was written", got, err)
	}
	if _, err := Call(L, L.NewFunction(func(*lua.LState) int { return 0 }), 0); !errors.Is(err, ErrUnusable) {
		t.Errorf("a call after Close: got %v; want ErrUnusable", err)
	}
}

func TestClosedFilesAreForgotten(t *testing.T) {
	L, _ := mustState(t, Options{})
	_, err := run(t, L, `
		local path = ...
		for i = 1, 10 do
			local f = io.open(path, "w") f:write("line\n") f:close()
			for l in io.lines(path) do end
			io.popen("true"):close()
			io.tmpfile():close()
		end`, lua.LString(filepath.Join(t.TempDir(), "file")))
	if got := of(L).resources.count(); got != 0 || err != nil {
		t.Errorf("open: got %d, %v; want 0", got, err)
	}
}

// TestLostFiles: a file that Lua code forgets is closed, as by the collector of the
// reference implementation, and what was written is there.
func TestLostFiles(t *testing.T) {
	L, _ := mustState(t, Options{})
	path := filepath.Join(t.TempDir(), "lost")
	if _, err := run(t, L, `local f = io.open(..., "w") f:write("text")`, lua.LString(path)); err != nil {
		t.Fatal(err)
	}
	// What the state called last stays on its stack until it calls something else.
	if _, err := run(t, L, `local a, b, c, d, e = 1, 2, 3, 4, 5 return pcall(pcall, pcall, type, a)`); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for of(L).resources.count() > 0 && time.Now().Before(deadline) {
		runtime.GC()
		runtime.Gosched()
	}
	if got := of(L).resources.count(); got != 0 {
		t.Fatalf("open: got %d; want 0", got)
	}
	for text := []byte(nil); string(text) != "text"; {
		text, _ = os.ReadFile(path)
		if time.Now().After(deadline) {
			t.Fatalf("the file: got %q; want what was written", text)
		}
	}
}

// TestFilesInUse: the collector leaves a file alone that only an iterator uses.
func TestFilesInUse(t *testing.T) {
	L, _ := mustState(t, Options{})
	L.SetGlobal("collect", L.NewFunction(func(*lua.LState) int {
		runtime.GC()
		runtime.GC()
		return 0
	}))
	got, err := run(t, L, `
		local path, n = ..., 0
		local f = io.open(path, "w") f:write(("line\n"):rep(20)) f:close()
		for l in io.lines(path) do n = n + 1 collect() end
		for l in io.open(path):lines() do n = n + 1 collect() end
		return n`, lua.LString(filepath.Join(t.TempDir(), "lines")))
	if err != nil || got[0] != lua.LNumber(40) {
		t.Errorf("got %v, %v; want 40 lines", got, err)
	}
}

func TestCompileHook(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mod.lua"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var asked []string
	compiled, err := compile("cached", "return 'from the cache', ...")
	if err != nil {
		t.Fatal(err)
	}
	L, _ := mustState(t, Options{
		SearchPath: dir + "/?.lua",
		Compile: func(path string) (*lua.FunctionProto, error) {
			asked = append(asked, filepath.Base(path))
			if filepath.Base(path) == "missing.lua" {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return compiled, nil
		},
	})
	got, err := run(t, L, `require("mod") return require("mod"), loadfile("any.lua")(), (loadfile("missing.lua"))`)
	if err != nil || got[0] != lua.LString("from the cache") || got[1] != lua.LString("from the cache") || got[2] != lua.LNil {
		t.Errorf("got %v, %v; want what the hook gave", got, err)
	}
	if want := "mod.lua any.lua missing.lua"; strings.Join(asked, " ") != want {
		t.Errorf("asked for: got %v; want %v", asked, want)
	}
}

func TestRefused(t *testing.T) {
	L, _ := mustState(t, Options{})
	mustFail(t, L, "os.exit(0)", "test:1: os.exit: a policy must not end the daemon")
	got, err := run(t, L, `return debug, _printregs, setfenv, getfenv, newproxy, module, unpack, loadstring, channel, _GOPHER_LUA_VERSION`)
	for _, v := range got {
		if v != lua.LNil {
			t.Errorf("got %v, %v; want all nil", got, err)
		}
	}
}

// TestContextIsInherited: a coroutine made under one context is bound by that of
// the call it is resumed in.
func TestContextIsInherited(t *testing.T) {
	L, _ := mustState(t, Options{})
	first, cancel := context.WithCancel(t.Context())
	L.SetContext(first)
	if _, err := run(t, L, `co = coroutine.create(function() while true do coroutine.yield("fine") end end) coroutine.resume(co)`); err != nil {
		t.Fatal(err)
	}
	cancel()
	L.SetContext(t.Context())
	got, err := run(t, L, `return coroutine.resume(co)`)
	if err != nil || got[1] != lua.LString("fine") {
		t.Errorf("got %v, %v; want fine", got, err)
	}
}

// TestMemory: 64 idle states that have run something are 32 MiB at most, and each
// has a quarter of that to spare.
func TestMemory(t *testing.T) {
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	const states, most = 64, 300 << 10
	before := heap()
	kept := make([]*lua.LState, states)
	for i := range kept {
		kept[i] = New(Options{Stdout: &bytes.Buffer{}})
		if _, err := run(t, kept[i], `
			local ok = pcall(function() return pcall(function() return ("x"):rep(10):gsub("x", "y") end) end)
			local co = coroutine.wrap(function() coroutine.yield() end) co()
			local function deep(n) if n > 0 then return 1 + deep(n - 1) end return 0 end deep(50)`); err != nil {
			t.Fatal(err)
		}
	}
	each := (heap() - before) / states
	t.Logf("%d bytes a state", each)
	if each > most {
		t.Errorf("a state: got %d bytes; want at most %d", each, most)
	}
	for _, L := range kept {
		Close(L)
	}
}

// TestLayout fails when the library's private fields have moved.
func TestLayout(t *testing.T) {
	L, _ := mustState(t, Options{})
	var lines, depths []int
	L.SetGlobal("look", L.NewFunction(func(L *lua.LState) int {
		for f := current(L); f.ok(); f = f.parent() {
			lines, depths = append(lines, f.line()), append(depths, f.depth())
		}
		return 0
	}))
	if _, err := run(t, L, "local function f()\n look()\n return\nend\n\nf()\nreturn"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 2, 6} {
		if lines[i] != want || depths[i] != 3-i {
			t.Errorf("lines and depths: got %v, %v; want 0 2 6, 3 2 1", lines, depths)
		}
	}
}
