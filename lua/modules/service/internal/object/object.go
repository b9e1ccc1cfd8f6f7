// Package object makes the objects that functions of the service modules return:
// userdata with the methods of a class.
//
// It knows no class of its own and keeps nothing outside the Lua state: the
// methods come from the description of the class, their values from the function
// that returns the object. It is used in the goroutine of that state.
package object

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// New is v as an object of a class in the state that e belongs to.
func New(e *spec.Env, L *lua.LState, class *spec.Class, v any) *lua.LUserData {
	u := L.NewUserData()
	u.Value = v
	u.Metatable = metatable(e, L, class)
	return u
}

// Self is the value of the object that a method is called on, its first argument.
// It raises when that is another thing, as when somebody writes a dot instead of
// a colon.
func Self[T any](L *lua.LState, method string) T {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if v, ok := u.Value.(T); ok {
			return v
		}
	}
	L.RaiseError("%s: expected its object as first argument, got %s; a method is called with a colon",
		method, L.Get(1).Type())
	panic("unreachable")
}

// metatable is that of the class in this state, made when first asked for.
func metatable(e *spec.Env, L *lua.LState, class *spec.Class) *lua.LTable {
	key := "troupe.class." + class.Name
	registry := L.G.Registry
	if t, ok := registry.RawGetString(key).(*lua.LTable); ok {
		return t
	}
	t, methods := L.NewTable(), L.NewTable()
	for _, m := range class.Methods {
		call := m.Call
		methods.RawSetString(m.Name, L.NewFunction(func(L *lua.LState) int { return call(e, L) }))
	}
	name := lua.LString(class.Name)
	t.RawSetString("__index", methods)
	t.RawSetString("__metatable", lua.LFalse) // what all objects share is not the script's to change
	t.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		L.Push(name)
		return 1
	}))
	registry.RawSetString(key, t)
	return t
}
