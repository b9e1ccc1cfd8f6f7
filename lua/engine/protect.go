package engine

import (
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// An error in gopher-lua cuts every function that is active in the state off from
// the variables that its closures share with it, and its pcall goes on in that
// state. So here a protected call runs in a state of its own, and an error cuts
// off only what will not go on anyway.
//
// A coroutine can yield inside of a protected call: the inner state yields to
// protect, which cannot wait there, because Go has no way to come back to it. So it
// returns the state and the values to the Lua code below, which yields them on
// and then lets the inner state proceed.
const protectSource = `
local protect, protectHandled, proceed, yield = ...
local function pass(handler, first, ...)
  if first == true or first == false then return first, ... end
  return pass(handler, proceed(first, handler, yield(...)))
end
return function(...)
  return pass(nil, protect(...))
end, function(...)
  local _, handler = ...
  return pass(handler, protectHandled(...))
end`

// protectName marks the calls of that code, which messages and levels leave out.
const protectName = "=(protect)"

// protectChunk is compiled once, and not written to afterwards.
var protectChunk = sync.OnceValue(func() *lua.FunctionProto {
	chunk, err := compile(protectName, protectSource)
	if err != nil {
		panic(err)
	}
	return chunk
})

func (m *machine) openProtect(L *lua.LState) {
	L.Push(L.NewFunctionFromProto(protectChunk()))
	for i, function := range []lua.LGFunction{m.protect, m.protectHandled, m.proceed} {
		m.passing[i] = L.NewFunction(function)
		L.Push(m.passing[i])
	}
	L.Push(L.NewFunction(m.yield))
	L.Call(4, 2)
	L.G.Global.RawSetString("pcall", L.Get(-2))
	L.G.Global.RawSetString("xpcall", L.Get(-1))
	L.Pop(2)
}

// protect is protect(function, ...).
func (m *machine) protect(L *lua.LState) int {
	checkAny(L, 1)
	return m.run(L, lua.LNil, 2)
}

// protectHandled is protectHandled(function, handler, ...).
func (m *machine) protectHandled(L *lua.LState) int {
	return m.run(L, checkFunction(L, 2), 3)
}

// run calls argument 1 with the arguments from first on.
func (m *machine) run(L *lua.LState, handler lua.LValue, first int) int {
	top := L.GetTop()
	th := m.takeProtected()
	th.Push(callable(L, th, L.Get(1)))
	for i := first; i <= top; i++ {
		th.Push(L.Get(i))
	}
	end := m.launch(L, th, max(top-first+1, 0))
	return m.deliver(L, th, handler, end, top)
}

// proceed is proceed(state, handler or nil, ...), the state suspended.
func (m *machine) proceed(L *lua.LState) int {
	th, handler := L.Get(1).(*lua.LState), L.Get(2)
	L.Remove(2)
	return m.deliver(L, th, handler, m.continueThread(L, th), 1)
}

// deliver makes the results of pcall, or the state and what it yielded, of what a
// run has put on the stack above base.
func (m *machine) deliver(L, th *lua.LState, handler lua.LValue, end outcome, base int) int {
	switch end {
	case finished:
		m.giveBack(th)
	case yielded:
		L.Replace(base+1, th)
	case failed:
		if handler, ok := handler.(*lua.LFunction); ok {
			m.handle(L, th, handler)
		}
	}
	return L.GetTop() - base
}

// handle calls the handler of xpcall with the error value on top of the stack and
// puts its result in place of it. The calls of th are still there for it to see.
func (m *machine) handle(L, th *lua.LState, handler *lua.LFunction) {
	value := L.Get(-1)
	L.Pop(1)
	aside := m.takeProtected()
	aside.Push(handler)
	aside.Push(value)
	th.SetTop(0)
	th.Parent = L // so that a traceback goes on there
	switch m.launch(th, aside, 1) {
	case failed:
		L.Push(lua.LString("error in error handling"))
	default:
		L.Push(th.Get(2))
		m.giveBack(aside)
	}
	th.Parent = nil
	m.main.G.CurrentThread = L
}

// callable is what stands for a value that is to be called: itself, or a function
// that raises the error, inside of the protected call, that it cannot be called.
func callable(L, th *lua.LState, v lua.LValue) lua.LValue {
	if _, ok := v.(*lua.LFunction); ok {
		return v
	}
	if _, ok := L.GetMetaField(v, "__call").(*lua.LFunction); ok {
		return v
	}
	return th.NewFunction(func(L *lua.LState) int {
		throw(L, "attempt to call a "+typeName(L, v)+" value")
		return 0
	})
}
