package engine

import (
	"slices"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) openCoroutine(L *lua.LState) {
	m.library(L, "coroutine", map[string]lua.LGFunction{
		"create":      m.coroutineCreate,
		"resume":      m.coroutineResume,
		"yield":       m.yield,
		"status":      m.coroutineStatus,
		"wrap":        m.coroutineWrap,
		"running":     m.coroutineRunning,
		"isyieldable": m.coroutineIsYieldable,
		"close":       m.coroutineClose,
	})
}

// nativeResume digs gopher-lua's own resume out of its library.
func nativeResume(L *lua.LState) lua.LGFunction {
	loaded := L.CreateTable(0, 1)
	L.G.Registry.RawSetString("_LOADED", loaded)
	globals := L.G.Global
	L.G.Global = L.CreateTable(0, 1)
	L.Push(L.NewFunction(lua.OpenCoroutine))
	L.Call(0, 1)
	library := L.Get(-1).(*lua.LTable)
	L.Pop(1)
	L.G.Global = globals
	return library.RawGetString("resume").(*lua.LFunction).GFunction
}

// A coroutine is a state that has not started (its function alone is on its
// stack), is suspended (it has calls, or yielded in its last one and has an empty
// stack), or is dead. One that died of an error keeps the value on its stack until
// it is closed.

func (m *machine) newCoroutine(L *lua.LState) *lua.LState {
	fn := checkFunction(L, 1)
	if !m.coroutines.room() {
		raisef(L, "too many coroutines (limit is %d)", mostCoroutines)
	}
	th := m.newThread()
	m.coroutines.add(th)
	th.Push(fn)
	return th
}

func isFresh(th *lua.LState) bool { return !current(th).ok() && th.GetTop() == 1 && !th.Dead }

func (m *machine) coroutineCreate(L *lua.LState) int {
	L.Push(m.newCoroutine(L))
	return 1
}

func checkThread(L *lua.LState, n int) *lua.LState {
	th, ok := L.Get(n).(*lua.LState)
	if !ok {
		typeError(L, n, "thread")
	}
	return th
}

func (m *machine) coroutineResume(L *lua.LState) int {
	m.resume(L, checkThread(L, 1))
	return L.GetTop() - 1
}

// resume runs the coroutine that is argument 1 of L's function with the other
// arguments, and leaves a boolean and values above it.
func (m *machine) resume(L, th *lua.LState) outcome {
	if status := m.status(L, th); status != "suspended" {
		if status != "dead" {
			status = "non-suspended"
		}
		L.SetTop(1)
		L.Push(lua.LFalse)
		L.Push(lua.LString("cannot resume " + status + " coroutine"))
		return failed
	}
	if m.nested >= maxNested {
		L.SetTop(1)
		L.Push(lua.LFalse)
		L.Push(lua.LString("C stack overflow"))
		return failed
	}
	var end outcome
	if isFresh(th) {
		n := L.GetTop() - 1
		L.XMoveTo(th, n)
		end = m.launch(L, th, n)
	} else {
		end = m.continueThread(L, th)
	}
	switch end {
	case finished:
		th.SetTop(0)
	case failed:
		th.SetTop(0)
		th.Push(L.Get(3))
	}
	return end
}

func (m *machine) coroutineWrap(L *lua.LState) int {
	th := m.newCoroutine(L)
	L.Push(L.NewFunction(func(L *lua.LState) int {
		L.Insert(th, 1)
		if m.resume(L, th) != failed {
			return L.GetTop() - 2
		}
		value := L.Get(3)
		if th.Dead {
			th.SetTop(0)
		}
		if text, ok := value.(lua.LString); ok {
			value = lua.LString(position(L, 1)) + text
		}
		L.Error(value, 0)
		return 0
	}))
	return 1
}

// yield hands all its arguments to whoever resumed the coroutine.
func (m *machine) yield(L *lua.LState) int {
	switch m.yieldable(L) {
	case outsideCoroutine:
		throw(L, "attempt to yield from outside a coroutine")
	case acrossGo:
		throw(L, "attempt to yield across a C-call boundary")
	}
	return -1
}

type yieldability int

const (
	canYield yieldability = iota
	outsideCoroutine
	acrossGo
)

// yieldable looks at all calls between the running function and the start of its
// coroutine: a Go function, and a metamethod or iterator that the interpreter
// calls, cannot be left and come back to.
func (m *machine) yieldable(L *lua.LState) yieldability {
	across := false
	for th := L; ; th = th.Parent {
		if th == nil || th == m.main {
			return outsideCoroutine
		}
		f := current(th)
		if th != L && !m.isPass(f) {
			across = true
		}
		across = across || !resumable(f)
		if !isProtected(th) {
			break
		}
	}
	if across {
		return acrossGo
	}
	return canYield
}

// isPass says whether f is one of the Go functions below pcall.
func (m *machine) isPass(f frame) bool {
	return f.ok() && slices.Contains(m.passing[:], f.function())
}

// resumable says whether all calls below f were made by call instructions.
func resumable(f frame) bool {
	for f.ok() {
		f = f.parent()
		if !f.ok() {
			return true
		}
		word, ok := f.instruction()
		if op := opcode(word); !ok || op != lua.OP_CALL && op != lua.OP_TAILCALL {
			return false
		}
	}
	return true
}

// owner is the coroutine, or the main state, that a protected call belongs to.
func owner(L *lua.LState) *lua.LState {
	for isProtected(L) && L.Parent != nil {
		L = L.Parent
	}
	return L
}

func (m *machine) coroutineRunning(L *lua.LState) int {
	th := owner(L)
	L.Push(th)
	L.Push(lua.LBool(th == m.main))
	return 2
}

func (m *machine) coroutineIsYieldable(L *lua.LState) int {
	L.Push(lua.LBool(m.yieldable(L) == canYield))
	return 1
}

func (m *machine) coroutineStatus(L *lua.LState) int {
	L.Push(lua.LString(m.status(L, checkThread(L, 1))))
	return 1
}

// status is "running", "normal", "suspended" or "dead", seen from L.
func (m *machine) status(L, th *lua.LState) string {
	if th == owner(L) {
		return "running"
	}
	for waiting := L; waiting != nil; waiting = waiting.Parent {
		if waiting == th {
			return "normal"
		}
	}
	if th.Dead || th == m.main {
		return "dead"
	}
	return "suspended"
}

func (m *machine) coroutineClose(L *lua.LState) int {
	th := checkThread(L, 1)
	switch status := m.status(L, th); status {
	case "suspended":
		if current(th).ok() {
			closeUpvalues(th)
		}
		th.SetTop(0)
		th.Dead = true
	case "dead":
		if th.GetTop() == 1 {
			L.Push(lua.LFalse)
			L.Push(th.Get(1))
			th.SetTop(0)
			return 2
		}
	default:
		raisef(L, "cannot close a %s coroutine", status)
	}
	L.Push(lua.LTrue)
	return 1
}
