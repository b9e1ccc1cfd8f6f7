package data

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2"
	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withoutClock{m}) }

// withoutClock ends the clock that regexp2 keeps for its time limits: it goes on
// for a second behind the last of them.
type withoutClock struct{ *testing.M }

func (m withoutClock) Run() int {
	code := m.M.Run()
	regexp2.StopTimeoutClock()
	return code
}

// state is a Lua state with the modules in globals.
func state(t testing.TB, o Options) *lua.LState {
	t.Helper()
	L := lua.NewState()
	t.Cleanup(L.Close)
	env := &spec.Env{Key: func(_ context.Context, _ *lua.LState, source lua.LValue) ([]byte, error) {
		if fields, ok := source.(*lua.LTable); ok {
			return []byte(lua.LVAsString(fields.RawGetString("key_data"))), nil
		}
		return nil, errNoKey
	}}
	modules.Open(L, env, Modules(o), nil)
	if err := L.DoString("kumo = require 'kumo'"); err != nil {
		t.Fatal(err)
	}
	return L
}

type keyError string

func (e keyError) Error() string { return string(e) }

const errNoKey = keyError("no such key file")

// run is what a chunk returns, as plain Go.
func run(t testing.TB, L *lua.LState, chunk string) (any, error) {
	t.Helper()
	top := L.GetTop()
	defer L.SetTop(top)
	if err := L.DoString(chunk); err != nil {
		return nil, err
	}
	if L.GetTop() == top {
		return nil, nil
	}
	v, err := value.ToGo(L.Get(top + 1))
	if err != nil {
		t.Fatalf("%s returned what is not plain: %v", chunk, err)
	}
	return v, nil
}

// table of expressions and what they must be. A string is compared as it is; any
// number as an int64 or float64.
type cases []struct {
	expression string
	want       any
}

func (all cases) check(t *testing.T) {
	t.Helper()
	L := state(t, Options{})
	for _, c := range all {
		got, err := run(t, L, "return "+c.expression)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, error %v; want %#v", c.expression, got, err, c.want)
		}
	}
}

// refusals are expressions and what their error must say.
type refusals []struct{ expression, want string }

func (all refusals) check(t *testing.T) {
	t.Helper()
	L := state(t, Options{})
	for _, c := range all {
		got, err := run(t, L, "return "+c.expression)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %#v, error %v; want an error with %q", c.expression, got, err, c.want)
		}
	}
}

func list(elements ...any) any {
	if elements == nil {
		return []any{}
	}
	return elements
}

// within runs a chunk in a state whose time is up after d.
func within(t *testing.T, d time.Duration, chunk string) error {
	t.Helper()
	L := state(t, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	L.SetContext(ctx)
	return L.DoString(chunk)
}

// TestEveryFunctionIsDocumented: stubs and the reference page are made of this.
func TestEveryFunctionIsDocumented(t *testing.T) {
	for _, m := range Modules(Options{}) {
		if m.Doc == "" {
			t.Errorf("%s: got no documentation; want some", m.Name)
		}
		functions := m.Functions
		for _, k := range m.Classes {
			functions = append(functions, k.Methods...)
			if k.Doc == "" || !strings.HasPrefix(k.Name, "kumo.") {
				t.Errorf("class %q: got documentation %q; want some, and a name in kumo", k.Name, k.Doc)
			}
		}
		for _, f := range functions {
			if f.Doc == "" || f.Call == nil {
				t.Errorf("%s.%s: got no documentation or body; want both", m.Name, f.Name)
			}
			for _, p := range f.Params {
				if p.Doc == "" || p.Type == "" {
					t.Errorf("%s.%s, parameter %s: got no documentation or type; want both", m.Name, f.Name, p.Name)
				}
			}
		}
	}
}

// TestArgumentsAreChecked: every function that wants something says so by its own
// name when it gets nothing.
func TestArgumentsAreChecked(t *testing.T) {
	L := state(t, Options{})
	for _, m := range Modules(Options{}) {
		for _, f := range m.Functions {
			name := m.Name + "." + f.Name
			if len(f.Params) == 0 || f.Params[0].Variadic || f.Params[0].Type == "any" || strings.HasSuffix(f.Params[0].Type, "?") {
				continue
			}
			_, err := run(t, L, "return "+name+"(nil)")
			if err == nil || !strings.Contains(err.Error(), name+": ") {
				t.Errorf("%s(nil): got error %v; want one that names the function", name, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	refusals{
		{"kumo.file_type.from_bytes('x')", "kumo.file_type is not part of Troupe: "},
		{"kumo.string.eval_template('n', 't', {})", "kumo.string.eval_template is not part of Troupe: "},
		{"kumo.string.normalize_smtp_response('x')", "kumo.string.normalize_smtp_response is not part of Troupe: "},
	}.check(t)
}

func TestObjectsSayWhatTheyLack(t *testing.T) {
	refusals{
		{"kumo.digest.sha1('x').hexx", `kumo.Binary has no field or method "hexx", did you mean 'hex'?`},
		{"kumo.regex.compile('x').is_match('x', 'x')", "expected a kumo.Regex before the colon, got string"},
		{"getmetatable(kumo.digest.sha1('x')).__index", "index a non-table object(boolean)"},
	}.check(t)
}
