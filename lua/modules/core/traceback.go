package core

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// deepestTrace bounds the frames of one traceback.
const deepestTrace = 200

func traceback() spec.Function {
	return spec.Function{
		Name:   "traceback",
		Params: []spec.Param{{Name: "level", Type: "integer", Doc: "0 is traceback itself, 1 the function that calls it."}},
		Results: []spec.Result{{Type: "table[]", Doc: "A table for each active call, the innermost first, with name, what, source, " +
			"short_src, curr_line, line_defined and last_line_defined."}},
		Doc: "The functions that are active in this coroutine.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			frames := L.NewTable()
			for level := L.CheckInt(1); level >= 0 && level < deepestTrace; level++ {
				frame, ok := L.GetStack(level)
				if !ok {
					break
				}
				frames.Append(describeFrame(L, frame))
			}
			L.Push(frames)
			return 1
		},
	}
}

// describeFrame has the fields of KumoMTA; those that gopher-lua does not know
// are what they mostly are.
func describeFrame(L *lua.LState, frame *lua.Debug) *lua.LTable {
	t := L.NewTable()
	if _, err := L.GetInfo("nSl", frame, lua.LNil); err != nil {
		return t
	}
	t.RawSetString("event", lua.LString("Call"))
	if frame.Name != "" && frame.Name != "?" {
		t.RawSetString("name", lua.LString(frame.Name))
	}
	t.RawSetString("name_what", lua.LString(""))
	t.RawSetString("source", lua.LString(frame.Source))
	t.RawSetString("short_src", lua.LString(frame.Source))
	t.RawSetString("line_defined", lua.LNumber(frame.LineDefined))
	t.RawSetString("last_line_defined", lua.LNumber(frame.LastLineDefined))
	t.RawSetString("what", lua.LString(frame.What))
	t.RawSetString("curr_line", lua.LNumber(frame.CurrentLine))
	t.RawSetString("is_tail_call", lua.LFalse)
	return t
}
