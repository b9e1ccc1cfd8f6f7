package policy

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/engine"
)

// failure is an error that came out of Lua and was not caught.
type failure struct {
	value lua.LValue // what was raised; nil: not by Lua code
	text  string
	trace string
	err   error
}

// callLua calls a function and gives nret results.
func callLua(L *lua.LState, f *lua.LFunction, nret int, args []lua.LValue) ([]lua.LValue, *failure) {
	results, err := engine.Call(L, f, nret, args...)
	if err == nil {
		return results, nil
	}
	if raised, ok := errors.AsType[*engine.RunError](err); ok {
		return nil, &failure{value: raised.Value, text: raised.Message, trace: raised.Traceback, err: err}
	}
	return nil, &failure{text: err.Error(), err: err}
}
