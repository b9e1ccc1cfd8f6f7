// Package modules makes tables in a Lua state of the modules that spec values
// describe, so that require finds them.
//
// It knows no module: the descriptions come from the packages below it and from
// lua/policy. What it adds is how a name is missed. One that KumoMTA has and that is
// refused here raises an error with the reason when it is read. Any other is nil, so
// that a policy can ask whether it is there; what was probably meant is remembered,
// for the message of the error when the nil is called.
//
// The tables belong to the state and are used in its goroutine alone.
package modules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/suggest"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// Index is what a list of modules offers, by name. It is made once and used for
// any number of Lua states, by any goroutine.
type Index struct {
	entries map[string]*entry // by full name
}

// entry is one table: what its fields are when somebody reads them.
type entry struct {
	functions map[string]func(*spec.Env, *lua.LState) int
	tables    map[string]string // full names
	refused   map[string]string // why
}

// NewIndex panics when two modules define the same function, which is a mistake of
// the caller's. Modules of one name are one table.
func NewIndex(all []spec.Module) *Index {
	x := &Index{entries: make(map[string]*entry)}
	for _, m := range all {
		e := x.entry(m.Name)
		for _, f := range m.Functions {
			if e.functions[f.Name] != nil {
				panic(fmt.Sprintf("modules: %s.%s is defined twice", m.Name, f.Name))
			}
			e.functions[f.Name] = f.Call
		}
		maps.Copy(e.refused, m.Refused)
	}
	return x
}

// entry is that of a module, made and put in its place when first asked for.
func (x *Index) entry(name string) *entry {
	if e := x.entries[name]; e != nil {
		return e
	}
	e := &entry{
		functions: make(map[string]func(*spec.Env, *lua.LState) int),
		tables:    make(map[string]string),
		refused:   make(map[string]string),
	}
	x.entries[name] = e
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		x.entry(name[:i]).tables[name[i+1:]] = name
	}
	return e
}

// Refuse raises an error about a name that is not there. It does not return.
type Refuse func(L *lua.LState, message string)

// Open indexes the modules and opens them in one state.
func Open(L *lua.LState, env *spec.Env, all []spec.Module, refuse Refuse) {
	NewIndex(all).Open(L, env, refuse)
}

// Open makes the modules available to require in a state, which needs its package
// library: those without a dot in their name as they are, "kumo.digest" as the
// field digest of kumo. A field is made when it is first read, since a policy uses
// few of some hundred; so pairs does not list what nobody has used. A refuse of nil
// raises a plain Lua error.
func (x *Index) Open(L *lua.LState, env *spec.Env, refuse Refuse) *Missed {
	if refuse == nil {
		refuse = func(L *lua.LState, message string) { L.RaiseError("%s", message) }
	}
	o := &opening{index: x, env: env, refuse: refuse, missed: &Missed{index: x, module: make(map[string]string)}}
	loaded := L.GetField(L.GetGlobal("package"), "loaded").(*lua.LTable)
	for name := range x.entries {
		if !strings.Contains(name, ".") {
			loaded.RawSetString(name, o.table(L, name))
		}
	}
	return o.missed
}

// opening is an index in one state.
type opening struct {
	index  *Index
	env    *spec.Env
	refuse Refuse
	missed *Missed
}

func (o *opening) table(L *lua.LState, name string) *lua.LTable {
	t, meta := L.NewTable(), L.NewTable()
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int { return o.read(L, name) }))
	t.Metatable = meta
	return t
}

// read is what reads a field that is not in the table, or not yet.
func (o *opening) read(L *lua.LState, module string) int {
	e := o.index.entries[module]
	key, _ := L.Get(2).(lua.LString) // nothing has another key
	field := string(key)
	var value lua.LValue
	if call := e.functions[field]; call != nil {
		value = L.NewFunction(func(L *lua.LState) int { return call(o.env, L) })
	} else if name, ok := e.tables[field]; ok {
		value = o.table(L, name)
	} else if _, refused := e.refused[field]; refused {
		o.refuse(L, o.index.why(module, field))
	} else {
		o.missed.add(module, field)
		L.Push(lua.LNil)
		return 1
	}
	if t, ok := L.Get(1).(*lua.LTable); ok {
		t.RawSetString(field, value)
	}
	L.Push(value)
	return 1
}

const absent = " is not part of this version of Troupe"

// meant is the clause that names what was probably meant: the same name in
// another module, or a similar one in this.
func (x *Index) meant(module, field string) string {
	for _, other := range slices.Sorted(maps.Keys(x.entries)) {
		if e := x.entries[other]; e.functions[field] != nil || e.tables[field] != "" {
			return ", did you mean '" + other + "." + field + "'?"
		}
	}
	e := x.entries[module]
	names := slices.Sorted(maps.Keys(e.functions))
	names = slices.AppendSeq(names, maps.Keys(e.tables))
	slices.Sort(names) // maps have no order, a message must have one
	if near := suggest.Closest(field, names); near != "" {
		return ", did you mean '" + module + "." + near + "'?"
	}
	return ""
}

// cut shortens a name that is not one.
func cut(text string) string {
	const limit = 60
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
