package engine

import (
	"context"
	"errors"

	"github.com/troupe-proxy/troupe/lua/dialect"
	lua "github.com/yuin/gopher-lua"
)

// ErrUnusable says that an earlier call ended in a fault of the Go code below Lua,
// or that the state has been closed. Close it and make a new one.
var ErrUnusable = errors.New("the Lua state cannot be used any more")

// machine is what the engine knows about one state and all its coroutines. It is
// used by one goroutine at a time, like the state.
type machine struct {
	options Options
	main    *lua.LState
	// idle are states of finished protected calls, kept for the next one: to make
	// one costs ten times as much as to use it.
	idle []*lua.LState
	// depth counts the calls active in the states that wait for the running one,
	// nested how many of those there are.
	depth, nested int
	// passing are the Go functions below pcall and xpcall: a coroutine may yield
	// through them.
	passing [3]*lua.LFunction
	// next and ipairsNext are what pairs and ipairs return first.
	next, ipairsNext lua.LValue
	// nativeResume is gopher-lua's own, the only way to continue a suspended state.
	nativeResume lua.LGFunction
	// raised says that the last error passed through the hook of its state, and so
	// was a Lua error and no fault in Go.
	raised bool
	// broken is set by a fault in Go, and by Close.
	broken    bool
	random    generator
	resources *resources
	// coroutines are those that coroutine.create and wrap have made.
	coroutines coroutines
	// input and output are the default files of the io library.
	stdin, input, output *lua.LUserData
	// warnings are shown, by warn("@on").
	warnings bool
	// loaded is package.loaded, packageTable is package: require uses them even if
	// the globals have been replaced.
	loaded, packageTable *lua.LTable
	// files is the metatable of open files.
	files *lua.LTable
}

// registryKey is where the machine of a state stands in its registry.
const registryKey = "troupe.engine"

// New makes a state with all libraries. The caller owns it, uses it from one
// goroutine at a time, and ends it with Close, not with the method of the state.
func New(o Options) *lua.LState {
	o = o.withDefaults()
	L := lua.NewState(lua.Options{
		SkipOpenLibs:        true,
		MinimizeStackMemory: true,
		CallStackSize:       o.CallDepth,
		RegistrySize:        registrySize,
		RegistryGrowStep:    registryStep,
		RegistryMaxSize:     registryMax,
	})
	// The library takes the first state that calls a function for the main one.
	L.G.MainThread, L.G.CurrentThread = L, L
	m := &machine{options: o, main: L, resources: &resources{}, coroutines: newCoroutines()}
	L.Panic = m.raise
	L.G.Registry.RawSetString(registryKey, &lua.LUserData{Value: m, Metatable: lua.LNil})
	m.openLibraries(L)
	return L
}

const (
	// registrySize is how many values the data stack of a new state or coroutine
	// holds, 16 bytes each: enough for some calls.
	registrySize = 256
	// registryStep is by how much it grows. The library grows it by that much each
	// time and copies all, so a small step makes a deep recursion slow.
	registryStep = 2048
	// registryMax is how far it grows: 4 MiB.
	registryMax = 256 * 1024
)

// of finds the machine of a state or of one of its coroutines.
func of(L *lua.LState) *machine {
	data, ok := L.G.Registry.RawGetString(registryKey).(*lua.LUserData)
	if !ok {
		panic("engine: the state was not made by engine.New")
	}
	return data.Value.(*machine)
}

func (m *machine) openLibraries(L *lua.LState) {
	m.nativeResume = nativeResume(L)
	m.loaded = L.CreateTable(0, 12)
	m.openBase(L)
	m.openProtect(L)
	m.openPackage(L)
	m.openCoroutine(L)
	m.openTable(L)
	m.openString(L)
	m.openUTF8(L)
	m.openMath(L)
	m.openOS(L)
	m.openIO(L)
	dialect.Install(L, m.options.Memory)
}

// library makes a table of functions and registers it as a global and as loaded.
func (m *machine) library(L *lua.LState, name string, functions map[string]lua.LGFunction) *lua.LTable {
	table := L.CreateTable(0, len(functions))
	for field, function := range functions {
		table.RawSetString(field, L.NewFunction(function))
	}
	L.G.Global.RawSetString(name, table)
	m.loaded.RawSetString(name, table)
	return table
}

// Close ends a state: files that Lua code left open are closed, children of
// io.popen are killed, suspended coroutines never run on. It may be called again.
// Nothing may run in the state at that time.
func Close(L *lua.LState) {
	if L.IsClosed() {
		return
	}
	m := of(L)
	m.broken = true
	for file := range m.resources.takeAll() {
		_ = file.Close() // nobody is left to be told
	}
	m.idle = nil
	L.Close()
}

// done is the error of the context when it has ended.
func done(L *lua.LState) error {
	if ctx := L.Context(); ctx != nil {
		return ctx.Err()
	}
	return nil
}

// contextOf never is nil.
func contextOf(L *lua.LState) context.Context {
	if ctx := L.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
