package value

import lua "github.com/yuin/gopher-lua"

// Shareable is the Value of a userdata that may pass to other Lua states, such as
// an address map that a policy loads once and keeps with kumo.memoize.
//
// It must not change any more: many states, each in a goroutine of its own, read
// it at the same time. An object that a script can assign to therefore implements
// Freezer as well.
type Shareable interface {
	// ToLua is the object in the state L. It is called in the goroutine of L, as
	// often as somebody asks.
	ToLua(L *lua.LState) lua.LValue
}

// Freezer is a Shareable that changes until it is shared for the first time.
type Freezer interface {
	Shareable
	// Freeze is called in the goroutine of the state that the object lives in,
	// before anybody else sees it, and later in those of other states. After it,
	// assignment in any state, that of its birth included, changes a copy. A call
	// on a frozen object reads and writes nothing that changes.
	Freeze()
}

// Share is v as a value that other states can have: plain Go as ToGo makes it, in
// which userdata may stand whose Value is Shareable. FromGo brings it into a
// state. The error is an *Error.
func Share(v lua.LValue) (any, error) {
	r := reader{open: map[*lua.LTable]struct{}{}, sharing: true}
	return r.result(r.read(v))
}

func share(s Shareable) Shareable {
	if f, ok := s.(Freezer); ok {
		f.Freeze()
	}
	return s
}
