package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestDeadline: whatever a script is busy with, the deadline ends it, and nothing
// in Lua can catch that.
func TestDeadline(t *testing.T) {
	busy := map[string]string{
		"loop":              `while true do end`,
		"pcall":             `while true do pcall(function() while true do end end) end`,
		"pcall in pcall":    `while true do pcall(pcall, function() while true do end end) end`,
		"pcall quick":       `while true do pcall(error) end`,
		"xpcall":            `while true do xpcall(function() while true do end end, function(m) return m end) end`,
		"handler":           `xpcall(error, function() while true do end end)`,
		"resume":            `while true do coroutine.resume(coroutine.create(function() while true do end end)) end`,
		"resumed again":     `local co = coroutine.create(function() coroutine.yield() while true do end end) coroutine.resume(co) while true do coroutine.resume(co) end`,
		"wrap":              `while true do pcall(coroutine.wrap(function() while true do end end)) end`,
		"pcall after yield": `local co = coroutine.wrap(function() pcall(function() coroutine.yield() while true do end end) while true do end end) co() while true do pcall(co) end`,
		"load":              `while true do load(function() while true do end end) end`,
		"metamethod":        `local t = setmetatable({}, {__index = function() while true do end end}) while true do pcall(function() return t.x end) end`,
		"match":             `return string.find(("a"):rep(30), ("a?"):rep(30) .. ("a*"):rep(30) .. "b")`,
		"match caught":      `while true do pcall(string.find, ("a"):rep(40), (".-"):rep(40) .. "b") end`,
		"gmatch":            `for _ in (("a"):rep(40)):gmatch((".-"):rep(40) .. "b") do end`,
		"gsub":              `return (("a"):rep(40)):gsub((".-"):rep(40) .. "b", "")`,
		"gsub callback":     `return (("a"):rep(40)):gsub(".", function() while true do end end)`,
		"balance":           `while true do string.find(("("):rep(1e6), "%b()") end`,
		"sort":              `table.sort({3, 2, 1}, function() while true do end end)`,
		"sort in Go":        `local n = 0 local t = setmetatable({}, {__len = function() return 2^30 end, __index = function() n = n + 1 return n end, __newindex = function() end}) table.sort(t)`,
		"concat":            `local t = setmetatable({}, {__index = function() return "" end}) table.concat(t, "", 1, 2^60)`,
		"move":              `table.move(setmetatable({}, {__index = function() return 1 end}), 1, 2^50, 2, setmetatable({}, {__newindex = function() end}))`,
		"move raw":          `table.move({}, 1, 2^50, -2^51)`,
		"insert":            `table.insert(setmetatable({}, {__len = function() return 2^50 end, __newindex = function() end}), 1, 1)`,
		"remove":            `table.remove(setmetatable({}, {__len = function() return 2^50 end, __newindex = function() end}), 1)`,
		"tostring":          `print(setmetatable({}, {__tostring = function() while true do end end}))`,
		"execute":           `os.execute("sleep 100")`,
		"execute caught":    `while true do pcall(os.execute, "sleep 100; true") end`,
		"popen":             `io.popen("sleep 100"):read("a")`,
		"popen close":       `io.popen("sleep 100 > /dev/null"):close()`,
		"popen lines":       `for l in io.popen("while true; do echo x; done"):lines() do end`,
	}
	for name, source := range busy {
		t.Run(name, func(t *testing.T) {
			L, _ := mustState(t, Options{})
			mustTimeOut(t, L, source)
			if got, err := run(t, L, "return 1 + 1"); err != nil || got[0] != lua.LNumber(2) {
				t.Errorf("the state afterwards: got %v, %v; want 2", got, err)
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	L, _ := mustState(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	L.SetContext(ctx)
	_, err := run(t, L, "pcall(error) return 1")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
}

// TestLongStrings: no library function builds a string that is longer than the
// limit.
func TestLongStrings(t *testing.T) {
	L, _ := mustState(t, Options{Memory: 1000})
	tooLong := "string longer than 1000 bytes"
	for source, want := range map[string]string{
		`return ("x"):rep(1001)`:                                                    "resulting string too large",
		`return ("x"):rep(500, "yy")`:                                               "resulting string too large",
		`return ("x"):rep(2^62)`:                                                    "resulting string too large",
		`return ("%99s"):rep(11):format(1,2,3,4,5,6,7,8,9,10,11)`:                   tooLong,
		`return string.format("%s%s", ("x"):rep(600), ("y"):rep(600))`:              tooLong,
		`local t = {} for i = 1, 200 do t[i] = "123456" end return table.concat(t)`: tooLong,
		`return (("x"):rep(100)):gsub("x", ("y"):rep(11))`:                          tooLong,
		`return (("x"):rep(100)):gsub("x", {x = ("y"):rep(11)})`:                    tooLong,
		`return (("x"):rep(20)):gsub("(x+)", ("%1"):rep(51))`:                       tooLong,
		`return string.pack("c1001", "")`:                                           tooLong,
		`return string.pack("s8s8", ("x"):rep(600), ("x"):rep(600))`:                tooLong,
		`return load(function() return ("x"):rep(600) end)`:                         "",
	} {
		if want != "" {
			mustFail(t, L, source, "test:1: "+want)
			continue
		}
		got, err := run(t, L, source)
		if err != nil || got[1] != lua.LString(tooLong) {
			t.Errorf("%s: got %v, %v; want nil and %s", source, got, err, tooLong)
		}
	}
	if got, err := run(t, L, `return #("x"):rep(1000), #("x"):rep(334, "yy")`); err != nil || got[0] != lua.LNumber(1000) || got[1] != lua.LNumber(1000) {
		t.Errorf("strings up to the limit: got %v, %v; want 1000 and 1000", got, err)
	}
}

// TestRecursion: every way to recurse without end is a Lua error, at any depth
// allowed, and neither Go's stack nor the process suffers.
func TestRecursion(t *testing.T) {
	recursions := map[string]string{
		"function":   `local function f() return 1 + f() end f()`,
		"wide":       `local function f(...) local a, b, c, d, e, g, h, i = ... return 1 + f(a, b, c, d, e, g, h, i, ...) end f(1, 2, 3)`,
		"__index":    `local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end return t.x`,
		"__newindex": `local t = setmetatable({}, {}) getmetatable(t).__newindex = function(t, k, v) t[k] = v end t.x = 1`,
		"__call":     `local t = setmetatable({}, {}) getmetatable(t).__call = function() return 1 + t() end t()`,
		"__add":      `local t = setmetatable({}, {}) getmetatable(t).__add = function(a, b) return a + b end return t + 1`,
		"__concat":   `local t = setmetatable({}, {}) getmetatable(t).__concat = function(a, b) return a .. b end return t .. 1`,
		"__len":      `local t = setmetatable({}, {}) getmetatable(t).__len = function() return #t end return #t`,
		"__unm":      `local t = setmetatable({}, {}) getmetatable(t).__unm = function() return -t end return -t`,
		"__lt":       `local t = setmetatable({}, {}) getmetatable(t).__lt = function(a, b) return a < b end return t < t`,
		"__eq":       `local m = {} m.__eq = function(a, b) return a == b end return setmetatable({}, m) == setmetatable({}, m)`,
		"__tostring": `local t = setmetatable({}, {}) getmetatable(t).__tostring = function(t) return tostring(t) end return tostring(t)`,
		"__pairs":    `local t = setmetatable({}, {}) getmetatable(t).__pairs = function(t) return pairs(t) end return pairs(t)`,
		"sort":       `local function f() table.sort({2, 1}, f) end f()`,
		"gsub":       `local function f() string.gsub("x", "x", f) end f()`,
		"gsub table": `local t = setmetatable({}, {}) getmetatable(t).__index = function() return (string.gsub("x", "x", t)) end string.gsub("x", "x", t)`,
		"require":    `package.preload.a = function() package.loaded.a = nil return require("a") end require("a")`,
		"load":       `local function f() local _, e = load(f) error(e, 0) end f()`,
		"wrap":       `local function f() return coroutine.wrap(f)() end f()`,
		"iterator":   `local function f() for x in f do end return nil end f()`,
		"pcall":      `local function f() local r = {pcall(f)} error(r[#r], 0) end f()`,
		"xpcall":     `local function f() local r = {xpcall(f, function(m) return m end)} error(r[#r], 0) end f()`,
		"mixed":      `local t = setmetatable({}, {}) local function f() return tostring(t) end getmetatable(t).__tostring = function() local ok, e = pcall(string.gsub, "x", "x", function() return coroutine.wrap(f)() end) error(e, 0) end f()`,
	}
	for name, source := range recursions {
		t.Run(name, func(t *testing.T) {
			for _, depth := range []int{0, 20_000} {
				L, _ := mustState(t, Options{CallDepth: depth})
				_, err := run(t, L, source)
				if err == nil || !strings.Contains(err.Error(), "stack overflow") {
					t.Errorf("depth %d: got %v; want a stack overflow", depth, err)
				}
				if got, err := run(t, L, "return 1 + 1"); err != nil || got[0] != lua.LNumber(2) {
					t.Errorf("the state afterwards: got %v, %v; want 2", got, err)
				}
			}
		})
	}
}

// TestDepthIsShared: coroutines and protected calls that wait for each other have
// one depth in common, else each could go as deep again and fill Go's stack.
func TestDepthIsShared(t *testing.T) {
	for _, through := range []string{
		"select(2, pcall(nest, k - 1))",
		"select(2, coroutine.resume(coroutine.create(nest), k - 1))",
		"coroutine.wrap(nest)(k - 1)",
	} {
		L, _ := mustState(t, Options{CallDepth: 1000})
		got, err := run(t, L, `
			local function deep(n, f) if n == 0 then return f() end return (deep(n - 1, f)) end
			local function nest(k)
				if k == 0 then return "reached" end
				return deep(600, function() return `+through+` end)
			end
			return nest(1), select(2, pcall(nest, 10))`)
		if err != nil || got[0] != lua.LString("reached") || !strings.HasSuffix(got[1].String(), "stack overflow") {
			t.Errorf("%s: got %v, %v; want reached, and a stack overflow", through, got, err)
		}
	}
}

// TestNoHandlerAfterDeadline: what xpcall would call with the error is not called.
func TestNoHandlerAfterDeadline(t *testing.T) {
	L, out := mustState(t, Options{})
	mustTimeOut(t, L, `xpcall(function() while true do end end, print)`)
	mustTimeOut(t, L, `coroutine.wrap(function() xpcall(function() while true do end end, print) end)()`)
	mustTimeOut(t, L, `local co = coroutine.wrap(function() xpcall(function() coroutine.yield() while true do end end, print) end) co() co()`)
	if out.Len() > 0 {
		t.Errorf("the handler got %q; want that it is not called", out)
	}
}
