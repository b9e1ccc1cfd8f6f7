package aaa

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/internal/suggest"
	"github.com/troupe-proxy/troupe/lua/value"
)

// The classes, by the names that editors show.
const (
	listName     = "kumo.AccessControlList"
	mapName      = "kumo.AccessControlMap"
	resourceName = "kumo.AccessResource"
	decisionName = "kumo.AccessDecision"
)

// thing is a kind of object of this package. None is changed once it is made, so
// that any number of states may have it.
type thing interface {
	class() string
	// names are those that the object has, and field is the value of one.
	names() []string
	field(L *lua.LState, name string) lua.LValue
}

type (
	list     struct{ *access.List }
	listMap  struct{ *access.Map }
	resource struct{ access.Resource }
	decision struct{ access.Decision }
)

var (
	_ value.Shareable = list{}
	_ value.Shareable = listMap{}
)

func (list) class() string     { return listName }
func (listMap) class() string  { return mapName }
func (resource) class() string { return resourceName }
func (decision) class() string { return decisionName }

func (list) names() []string     { return nil }
func (listMap) names() []string  { return []string{"get"} }
func (resource) names() []string { return nil }
func (decision) names() []string { return []string{"allow", "rule", "resource"} }

func (list) field(*lua.LState, string) lua.LValue     { return lua.LNil }
func (resource) field(*lua.LState, string) lua.LValue { return lua.LNil }

func (listMap) field(L *lua.LState, _ string) lua.LValue {
	return L.NewFunction(func(L *lua.LState) int { return getList(nil, L) })
}

func (d decision) field(L *lua.LState, name string) lua.LValue {
	switch {
	case name == "allow":
		return lua.LBool(d.Allow)
	case d.Rule == nil:
		return lua.LNil
	case name == "rule":
		return value.FromGo(L, d.Rule.Plain())
	}
	return lua.LString(d.Matching)
}

// ToLua implements value.Shareable.
func (l list) ToLua(L *lua.LState) lua.LValue { return object(L, l) }

// ToLua implements value.Shareable.
func (m listMap) ToLua(L *lua.LState) lua.LValue { return object(L, m) }

// ListOf is the list that an object holds, if it is one.
func ListOf(v lua.LValue) (*access.List, bool) {
	l, ok := unwrap[list](v)
	return l.List, ok
}

func unwrap[T any](v lua.LValue) (one T, ok bool) {
	if u, isObject := v.(*lua.LUserData); isObject {
		one, ok = u.Value.(T)
	}
	return one, ok
}

// object is v in a state.
func object(L *lua.LState, v thing) lua.LValue {
	u := L.NewUserData()
	u.Value = v
	key := "troupe.aaa." + v.class()
	meta, ok := L.G.Registry.RawGetString(key).(*lua.LTable)
	if !ok {
		meta = metatable(L, v.class())
		L.G.Registry.RawSetString(key, meta)
	}
	u.Metatable = meta
	return u
}

func metatable(L *lua.LState, class string) *lua.LTable {
	meta := L.NewTable()
	meta.RawSetString("__index", L.NewFunction(index))
	meta.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		L.Push(lua.LString(class))
		return 1
	}))
	meta.RawSetString("__metatable", lua.LFalse) // what all objects share is not the script's to change
	return meta
}

// index reads a field or method. A name that is not there is an error, as it is in
// a module.
func index(L *lua.LState) int {
	v, ok := unwrap[thing](L.Get(1))
	if !ok {
		L.RaiseError("expected an object of kumo.aaa, got %s", L.Get(1).Type())
	}
	name := lua.LVAsString(L.Get(2))
	for _, known := range v.names() {
		if known == name {
			L.Push(v.field(L, name))
			return 1
		}
	}
	name = name[:min(len(name), 60)]
	L.RaiseError("%s has no field or method %q%s", v.class(), name, suggest.Hint(name, v.names()))
	return 0
}
