package data

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/suggest"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// class is a kind of object: a userdata whose Value is a T.
//
// Its metatable is made once per state, the first time an object of it appears
// there. Methods get no spec.Env, since an object may appear in a state by way of
// another.
type class[T any] struct {
	name, doc string
	fields    []field[T]
	methods   []method[T]
	// operators are metamethods, such as __add. Their arguments are those that Lua
	// passes, in its order.
	operators map[string]func(c *call) int
	// text is what tostring makes of an object.
	text func(self T) string
}

type field[T any] struct {
	name, typ, doc string
	get            func(L *lua.LState, self T) lua.LValue
}

type method[T any] struct {
	name    string
	doc     string
	params  []spec.Param
	results []spec.Result
	do      func(c *call, self T) int
}

// function is the method with the object as argument zero.
func (m method[T]) function(class string) function {
	return function{
		name: m.name, doc: m.doc, params: m.params, results: m.results,
		do: func(c *call) int {
			self, ok := object[T](c.L.Get(1))
			if !ok {
				c.fail("expected a %s before the colon, got %s", class, c.L.Get(1).Type())
			}
			return m.do(c, self)
		},
	}
}

// object is the T in a userdata.
func object[T any](v lua.LValue) (self T, ok bool) {
	ud, ok := v.(*lua.LUserData)
	if !ok {
		return self, false
	}
	self, ok = ud.Value.(T)
	return self, ok
}

// spec describes the class for the documentation.
func (k class[T]) spec() spec.Class {
	described := spec.Class{Name: k.name, Doc: k.doc}
	for _, f := range k.fields {
		described.Fields = append(described.Fields, param(f.name, f.typ, f.doc))
	}
	for _, m := range k.methods {
		described.Methods = append(described.Methods, m.function(k.name).describe(k.name+":", 1))
	}
	return described
}

// newObject is an object in the state. The class is asked for only when
// the state has not seen it yet.
func newObject[T any](L *lua.LState, v T, name string, describe func() class[T]) *lua.LUserData {
	ud := L.NewUserData()
	ud.Value = v
	meta, ok := L.G.Registry.RawGetString(name).(*lua.LTable)
	if !ok {
		meta = describe().metatable(L)
		L.G.Registry.RawSetString(name, meta)
	}
	ud.Metatable = meta
	return ud
}

func (k class[T]) metatable(L *lua.LState) *lua.LTable {
	meta := L.NewTable()
	meta.RawSetString("__index", k.index(L))
	meta.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		self, ok := object[T](L.Get(1))
		if !ok || k.text == nil {
			L.Push(lua.LString(k.name))
			return 1
		}
		L.Push(lua.LString(k.text(self)))
		return 1
	}))
	// Scripts neither see nor change what all objects of the state share.
	meta.RawSetString("__metatable", lua.LFalse)
	for name, do := range k.operators {
		meta.RawSetString(name, L.NewFunction(func(L *lua.LState) int {
			return do(&call{L: L, name: k.name, params: params(param("left", "", ""), param("right", "", ""))})
		}))
	}
	return meta
}

// index reads fields and methods. A name that is not there is an error, as it is
// in a module.
func (k class[T]) index(L *lua.LState) *lua.LFunction {
	methods := make(map[string]*lua.LFunction, len(k.methods))
	fields := make(map[string]func(*lua.LState, T) lua.LValue, len(k.fields))
	var names []string
	for _, m := range k.methods {
		do := m.function(k.name).describe(k.name+":", 1).Call
		methods[m.name] = L.NewFunction(func(L *lua.LState) int { return do(nil, L) })
		names = append(names, m.name)
	}
	for _, f := range k.fields {
		fields[f.name] = f.get
		names = append(names, f.name)
	}
	return L.NewFunction(func(L *lua.LState) int {
		self, ok := object[T](L.Get(1))
		key := lua.LVAsString(L.Get(2))
		switch get, has := fields[key]; {
		case !ok:
			L.RaiseError("expected a %s, got %s", k.name, L.Get(1).Type())
		case has:
			L.Push(get(L, self))
		case methods[key] != nil:
			L.Push(methods[key])
		default:
			key = key[:min(len(key), 60)]
			L.RaiseError("%s has no field or method %q%s", k.name, key, suggest.Hint(key, names))
		}
		return 1
	})
}
