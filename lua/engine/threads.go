package engine

import (
	"fmt"
	"runtime/debug"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxNested is how many protected calls, coroutines and callbacks from Go may
	// wait for each other, as in the reference implementation (LUAI_MAXCCALLS).
	maxNested = 200
	// maxIdle is how many states of finished protected calls are kept.
	maxIdle = 4
)

// outcome of running a state for a while.
type outcome int

const (
	// finished: the caller's stack has true and the results.
	finished outcome = iota
	// yielded: the caller's stack has true and what was yielded.
	yielded
	// failed: the caller's stack has false and the error value.
	failed
)

// fault is a panic that is no Lua error. It passes through pcall.
type fault struct {
	reason any
	stack  []byte
}

// newThread makes a state that shares all but its stacks with the main one. It
// has no context yet: the library would make a child context for each.
func (m *machine) newThread() *lua.LState {
	ctx := m.main.RemoveContext()
	th, _ := m.main.NewThread()
	if ctx != nil {
		m.main.SetContext(ctx)
	}
	th.Panic = m.raise
	th.Options.IncludeGoStackTrace = false
	return th
}

// takeProtected gives a state to run a protected call in.
func (m *machine) takeProtected() *lua.LState {
	if n := len(m.idle); n > 0 {
		th := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return th
	}
	th := m.newThread()
	// This option has no meaning for a state that gopher-lua's PCall is not used
	// with; it serves as the mark that tells these from coroutines.
	th.Options.IncludeGoStackTrace = true
	return th
}

func isProtected(th *lua.LState) bool { return th.Options.IncludeGoStackTrace }

// giveBack keeps a state whose call returned, unless it has grown large. One that
// failed is never kept: its variables may live on in closures.
func (m *machine) giveBack(th *lua.LState) {
	th.SetTop(0)
	th.Dead, th.Parent = false, nil
	th.RemoveContext()
	if len(m.idle) < maxIdle && stackSize(th) <= 2*registryStep {
		m.idle = append(m.idle, th)
	}
}

// enter counts a nested run and refuses one too many. The caller restores depth
// and nested, also when a panic passes.
func (m *machine) enter(L *lua.LState) {
	if m.nested >= maxNested {
		raisef(L, "C stack overflow")
	}
	m.nested++
	if f := current(L); f.ok() {
		m.depth += f.depth()
	}
	if m.depth > m.options.CallDepth {
		raisef(L, "stack overflow")
	}
}

// mark is what enter counted so far.
type mark struct{ depth, nested int }

func (m *machine) mark() mark     { return mark{m.depth, m.nested} }
func (m *machine) restore(k mark) { m.depth, m.nested = k.depth, k.nested }

// inherit gives th the context of the state that runs it.
func inherit(th, from *lua.LState) {
	if ctx := from.Context(); ctx != nil {
		th.SetContext(ctx)
	} else {
		th.RemoveContext()
	}
}

// launch runs a function, which stands below its nargs arguments on the stack of
// th, for the first time. What comes of it is pushed on the stack of L.
func (m *machine) launch(L, th *lua.LState, nargs int) (end outcome) {
	before := m.mark()
	m.enter(L)
	inherit(th, L)
	th.Parent = L
	m.main.G.CurrentThread = th
	base := L.GetTop()
	defer func() {
		m.restore(before)
		m.main.G.CurrentThread = L
		if reason := recover(); reason != nil {
			end = m.caught(L, th, base, reason)
		}
	}()
	th.Call(nargs, lua.MultRet)
	switch {
	case th.Dead:
		return finished
	case th.Parent == nil:
		return yielded
	}
	// A Go function was called: its results have not been moved yet.
	th.Parent, th.Dead = nil, true
	L.Push(lua.LTrue)
	th.XMoveTo(L, th.GetTop())
	return finished
}

// caught sorts what came out of th by panic.
func (m *machine) caught(L, th *lua.LState, base int, reason any) outcome {
	th.Parent = nil
	value, err := m.luaError(th, reason)
	if err != nil {
		panic(err)
	}
	if done(L) != nil {
		panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: value})
	}
	m.raised = false
	th.Dead = true
	L.SetTop(base)
	L.Push(lua.LFalse)
	L.Push(value)
	return failed
}

// luaError is the error value of a panic, or the fault when it is no Lua error.
func (m *machine) luaError(th *lua.LState, reason any) (lua.LValue, *fault) {
	switch reason := reason.(type) {
	case *lua.ApiError:
		return reason.Object, nil
	case *fault:
		return nil, reason
	case string:
		if reason == nativeOverflow {
			closeUpvalues(th)
			return lua.LString(position(th, 0) + "stack overflow"), nil
		}
	}
	m.broken = true
	return nil, &fault{reason: reason, stack: debug.Stack()}
}

// nativeOverflow is what gopher-lua panics with when its call stack is full.
const nativeOverflow = "lua callstack overflow"

// closeUpvalues gives the variables of th's calls, which will never go on, to the
// closures that use them.
func closeUpvalues(th *lua.LState) {
	hook := th.Panic
	th.Panic = func(*lua.LState) {}
	th.Error(lua.LString(""), 0)
	th.Panic = hook
}

// continueThread lets a suspended state go on. The arguments of L's running
// function must be that state and the values for it. What comes of it is pushed.
func (m *machine) continueThread(L, th *lua.LState) outcome {
	before := m.mark()
	m.enter(L)
	inherit(th, L)
	if !current(th).ok() {
		// It yielded in its last call: the values are its results.
		L.Insert(lua.LTrue, 2)
		th.Dead = true
		m.restore(before)
		return finished
	}
	m.fitResults(L, th)
	m.raised = false
	m.nativeResume(L) // takes the values away and leaves th, number 1
	m.restore(before)
	if !th.Dead {
		return yielded
	}
	if L.Get(2) == lua.LFalse {
		return m.failedAfterYield(L, th)
	}
	return finished
}

// failedAfterYield sorts an error that gopher-lua has caught.
func (m *machine) failedAfterYield(L, th *lua.LState) outcome {
	value := L.Get(3)
	text, _ := value.(lua.LString)
	switch {
	case m.raised:
	case string(text) == nativeOverflow:
		closeUpvalues(th)
		L.Replace(3, lua.LString(position(th, 0)+"stack overflow"))
	default:
		m.broken = true
		panic(&fault{reason: string(text)})
	}
	m.raised = false
	if done(L) != nil {
		L.Error(value, 0)
	}
	return failed
}

// fitResults makes the number of values for a suspended state the one that its
// call of yield asked for; gopher-lua leaves that undone.
func (m *machine) fitResults(L, th *lua.LState) {
	word, ok := current(th).instruction()
	if !ok || opcode(word) != lua.OP_CALL {
		return
	}
	if want := argC(word) - 1; want >= 0 {
		L.SetTop(want + 1)
	}
}

func (f *fault) Error() string { return fmt.Sprintf("fault below Lua: %v", f.reason) }
