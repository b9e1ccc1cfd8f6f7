package modules

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func says(text string) spec.Function {
	return spec.Function{Name: text, Call: func(_ *spec.Env, L *lua.LState) int {
		L.Push(lua.LString("it is " + text))
		return 1
	}}
}

func testIndex() *Index {
	return NewIndex([]spec.Module{
		{Name: "kumo", Functions: []spec.Function{says("version_of")}, Refused: map[string]string{"kafka": "no broker here"}},
		{Name: "kumo.digest", Functions: []spec.Function{says("sha256"), {Name: "place", Call: func(_ *spec.Env, L *lua.LState) int {
			at, _ := Caller(L)
			L.Push(lua.LString(at.String()))
			return 1
		}}}},
		{Name: "kumo", Functions: []spec.Function{says("sleep"), {Name: "log", Call: func(e *spec.Env, L *lua.LState) int {
			e.Log.Info(L.CheckString(1))
			return 0
		}}}},
		{Name: "sqlite", Functions: []spec.Function{says("open")}},
		{Name: "deep.er.still", Functions: []spec.Function{says("here")}},
	})
}

func run(t *testing.T, source string, env *spec.Env) error {
	t.Helper()
	L := lua.NewState()
	defer L.Close()
	testIndex().Open(L, env, nil)
	chunk, err := L.Load(strings.NewReader(source), "p.lua")
	if err != nil {
		t.Fatal(err)
	}
	L.Push(chunk)
	return L.PCall(0, 0, nil)
}

func TestModulesAreThere(t *testing.T) {
	for _, source := range []string{
		`assert(require('kumo').version_of() == 'it is version_of')`,
		`assert(require('kumo').sleep() == 'it is sleep', 'two modules of one name are one')`,
		`assert(require('kumo').digest.sha256() == 'it is sha256')`,
		`assert(require('sqlite').open() == 'it is open')`,
		`assert(require('deep').er.still.here() == 'it is here')`,
		`local kumo = require('kumo') assert(kumo.sleep == kumo.sleep and kumo.digest == kumo.digest, 'each is made once')`,
		`assert(rawget(_G, 'kumo') == nil, 'none is a global')`,
		`local kumo = require('kumo') kumo.extra = 7 assert(kumo.extra == 7)`,
	} {
		if err := run(t, source, &spec.Env{}); err != nil {
			t.Errorf("%s\ngot %v", source, err)
		}
	}
}

func TestMissingNames(t *testing.T) {
	for source, want := range map[string]string{
		`local _ = require('kumo').kafka`:                 "p.lua:1: kumo.kafka is not part of Troupe: no broker here",
		`local _ = require('kumo').slep`:                  "kumo.slep is not part of this version of Troupe, did you mean 'kumo.sleep'?",
		`local _ = require('kumo').open`:                  "kumo.open is not part of this version of Troupe, did you mean 'sqlite.open'?",
		`local _ = require('kumo').sha256`:                "did you mean 'kumo.digest.sha256'?",
		`local _ = require('kumo').digest.sha3`:           "kumo.digest.sha3 is not part of this version of Troupe",
		`local _ = require('kumo').zebra()`:               "kumo.zebra is not part of this version of Troupe\n",
		`local _ = require('kumo')[7]`:                    "kumo[7] is not part of this version of Troupe",
		`local _ = require('kumo')[('x'):rep(1000)]`:      "kumo." + strings.Repeat("x", 60) + "… is not part",
		`local _ = require('kumo')[setmetatable({}, {})]`: "kumo[table] is not part",
	} {
		err := run(t, source, &spec.Env{})
		if err == nil || !strings.Contains(err.Error()+"\n", want) {
			t.Errorf("%s\ngot %v; want %q in it", source, err, want)
		}
	}
}

// Each state has its own surroundings, although the index is shared.
func TestFunctionsGetTheirEnv(t *testing.T) {
	var first, second strings.Builder
	for _, log := range []*strings.Builder{&first, &second} {
		env := &spec.Env{Log: slog.New(slog.NewTextHandler(log, nil))}
		if err := run(t, `require('kumo').log('hello')`, env); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(first.String(), "hello") != 1 || strings.Count(second.String(), "hello") != 1 {
		t.Errorf("got %q and %q; want one line in each", first.String(), second.String())
	}
}

func TestCaller(t *testing.T) {
	source := `local place = require('kumo').digest.place
assert(place() == 'p.lua:2', place())
local ok, at = pcall(place)
assert(at == 'p.lua:3', at)
assert(coroutine.wrap(function()
  return place() end)() == 'p.lua:6')`
	if err := run(t, source, &spec.Env{}); err != nil {
		t.Error(err)
	}
}

func TestFunctionsDefinedTwice(t *testing.T) {
	defer func() {
		if got := recover(); got != "modules: kumo.x is defined twice" {
			t.Errorf("got %v; want a panic that names the function", got)
		}
	}()
	NewIndex([]spec.Module{{Name: "kumo", Functions: []spec.Function{says("x")}}, {Name: "kumo", Functions: []spec.Function{says("x")}}})
}

func TestCallerWithoutLua(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	if at, ok := Caller(L); ok || len(Stack(L)) > 0 {
		t.Errorf("got %v; want no place where no Lua code runs", at)
	}
	if !slices.Equal(Stack(L), nil) || !errors.Is(spec.ErrNoHandler, spec.ErrNoHandler) {
		t.Error("want no stack")
	}
}
