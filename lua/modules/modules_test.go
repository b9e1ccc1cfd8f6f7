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

// Reading any name that is not there used to raise, so that a policy could not ask
// what this version has.
func TestMissingNamesAreNil(t *testing.T) {
	for _, source := range []string{
		`assert(require('kumo').slep == nil)`,
		`local kumo = require('kumo') assert((kumo.define_egress_source and 1 or 2) == 2)`,
		`assert(require('kumo').digest.sha3 == nil and require('kumo').digest.sha256)`,
		`assert(require('kumo')[7] == nil and require('kumo')[{}] == nil and require('kumo')[''] == nil)`,
		`local kumo = require('kumo') local _ = kumo.later kumo.later = 7 assert(kumo.later == 7)`,
	} {
		if err := run(t, source, &spec.Env{}); err != nil {
			t.Errorf("%s\ngot %v", source, err)
		}
	}
}

func TestRefusedNames(t *testing.T) {
	err := run(t, `local _ = require('kumo').kafka`, &spec.Env{})
	if want := "p.lua:1: kumo.kafka is not part of Troupe: no broker here"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v; want %q in it", err, want)
	}
}

func TestMissedNames(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	missed := testIndex().Open(L, &spec.Env{}, nil)
	if err := L.DoString(`local kumo = require('kumo')
		local all = { kumo.slep, kumo.open, kumo.sha256, kumo.digest.sha3, kumo.zebra, kumo[('x'):rep(1000)], kumo.digest.zebra }
		for i = 1, 1e4 do all[1] = kumo['n' .. i] end`); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"slep":                    "kumo.slep is not part of this version of Troupe, did you mean 'kumo.sleep'?",
		"open":                    "kumo.open is not part of this version of Troupe, did you mean 'sqlite.open'?",
		"sha256":                  "kumo.sha256 is not part of this version of Troupe, did you mean 'kumo.digest.sha256'?",
		"sha3":                    "kumo.digest.sha3 is not part of this version of Troupe",
		"zebra":                   "kumo.digest.zebra is not part of this version of Troupe",
		strings.Repeat("x", 1000): "kumo." + strings.Repeat("x", 60) + "… is not part of this version of Troupe",
		"sleep":                   "",
	} {
		if got := missed.Why(field); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%.20s: got %q; want %q", field, got, want)
		}
	}
	if n := len(missed.module); n > mostMissed {
		t.Errorf("remembers %d; want at most %d", n, mostMissed)
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
