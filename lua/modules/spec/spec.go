// Package spec is the form in which a module says what it offers: one value
// carries name, parameters, results, documentation and the function itself, so
// that the tables in a Lua state, the stubs of an editor and the reference page
// cannot drift apart.
//
// It holds no module and runs no Lua. Its values come from the packages below
// lua/modules and go to whoever opens a state or writes documentation.
package spec

import (
	"context"
	"errors"
	"log/slog"

	lua "github.com/yuin/gopher-lua"
)

// Module is a group of functions that stand together in the documentation.
type Module struct {
	// Name is what Lua code writes before the function: "kumo", "kumo.digest",
	// "sqlite". The part before the first dot is what require takes.
	Name string
	// Doc is a paragraph in English, without markup.
	Doc       string
	Functions []Function
	// Classes are the objects that the functions return.
	Classes []Class
	// Refused are names that KumoMTA has and Troupe has not, each with why. To
	// read one raises "kumo.NAME is not part of Troupe: WHY".
	Refused map[string]string
}

// Function is one function of a module, or one method of a class.
type Function struct {
	// Name without that of the module: "sha256".
	Name    string
	Params  []Param
	Results []Result
	// Doc says what it does, units, ranges and what it raises.
	Doc string
	// Call does the work. It raises Lua errors by L.RaiseError and L.ArgError, whose
	// text names the function; it may block only until L.Context() is done.
	Call func(e *Env, L *lua.LState) int
}

// Param is a parameter. Type is in the notation of LuaLS: "string", "integer?",
// "table<string, any>", "kumo.Digest".
type Param struct {
	Name, Type, Doc string
	// Variadic: Name is "..." and Type that of each further argument.
	Variadic bool
}

// Result is a value that a function returns; Type is as in Param.
type Result struct{ Type, Doc string }

// Class is an object with methods and fields; Name is as LuaLS shows it,
// "kumo.Digest".
type Class struct {
	Name, Doc string
	Fields    []Param
	Methods   []Function
}

// ErrNoHandler says that an event has no handler.
var ErrNoHandler = errors.New("has not been registered")

// Env is what the functions of one Lua state may use of the world around it. It
// belongs to the state, and like it is used by one goroutine at a time.
type Env struct {
	// Log takes what a function has to say to the operator.
	Log *slog.Logger
	// Key reads a key source: a file name, or a table with key_data, with
	// vault_mount and vault_path, or with event_name and event_args. The error
	// never holds the key.
	Key func(ctx context.Context, L *lua.LState, source lua.LValue) ([]byte, error)
	// Event runs the handler of a named event in a state of its own and returns
	// what it returned, as plain values. ErrNoHandler: nobody has registered it.
	Event func(ctx context.Context, name string, args []any) ([]any, error)
	// Top says that the top level of the policy runs, not a handler.
	Top func() bool
}
