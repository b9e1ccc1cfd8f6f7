package engine

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// calls are the active calls from the running function outwards, through protected
// calls up to the start of the coroutine. Each comes with whether Go called it. The
// Lua code of pcall is left out, so that pcall counts as one call.
func calls(L *lua.LState) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		for th := L; th != nil; th = th.Parent {
			for f := current(th); f.ok(); f = f.parent() {
				if isProtectCode(f.function()) {
					continue
				}
				if !yield(f) {
					return
				}
			}
			if !isProtected(th) {
				return
			}
		}
	}
}

func isProtectCode(fn *lua.LFunction) bool {
	return !fn.IsG && fn.Proto.SourceName == protectName
}

// position is "source:line: " of the call at a level, 0 being the running
// function; empty for a Go function and beyond the last.
func position(L *lua.LState, level int) string {
	for f := range calls(L) {
		if level > 0 {
			level--
			continue
		}
		if f.function().IsG {
			return ""
		}
		return f.function().Proto.SourceName + ":" + strconv.Itoa(f.line()) + ": "
	}
	return ""
}

// throw raises an error without a position.
func throw(L *lua.LState, message string) { L.Error(lua.LString(message), 0) }

// raisef raises an error with the position of the Lua code that called the running
// Go function, if it was Lua code.
func raisef(L *lua.LState, format string, args ...any) {
	throw(L, position(L, 1)+fmt.Sprintf(format, args...))
}

const (
	// traceHead and traceTail are how many calls of each end a traceback shows.
	traceHead, traceTail = 10, 11
)

// Traceback describes the active calls of L from a level on, in the form of the
// reference implementation. Level 0 is the running Go function, 1 its caller. It
// sees through protected calls, unlike the library's own.
func Traceback(L *lua.LState, level int) string {
	var active []frame
	for f := range calls(L) {
		active = append(active, f)
	}
	active = active[min(max(level, 0), len(active)):]
	var text strings.Builder
	text.WriteString("stack traceback:")
	skipped := len(active) - traceHead - traceTail
	for i, f := range active {
		switch {
		case skipped <= 0 || i < traceHead || i >= traceHead+skipped:
			text.WriteString("\n\t" + describeCall(L, f))
		case i == traceHead:
			fmt.Fprintf(&text, "\n\t...\t(skipping %d levels)", skipped)
		}
	}
	if owner(L) == of(L).main {
		text.WriteString("\n\t[C]: in ?")
	}
	return text.String()
}

func describeCall(L *lua.LState, f frame) string {
	fn := f.function()
	m := of(L)
	place, what := "[C]", "function <?>"
	switch {
	case fn == m.passing[1]:
		return "[C]: in function 'xpcall'"
	case m.isPass(f):
		return "[C]: in function 'pcall'"
	case !fn.IsG && fn.Proto.LineDefined == 0:
		return fmt.Sprintf("%s:%d: in main chunk", fn.Proto.SourceName, f.line())
	case !fn.IsG:
		place = fmt.Sprintf("%s:%d", fn.Proto.SourceName, f.line())
		what = fmt.Sprintf("function <%s:%d>", fn.Proto.SourceName, fn.Proto.LineDefined)
	}
	if global := m.globalName(fn); global != "" {
		what = "function '" + global + "'"
	} else if kind, name := callName(f); name != "" {
		what = kind + " '" + name + "'"
	}
	return place + ": in " + what
}

// globalName is the name under which a loaded module has a function, or empty.
func (m *machine) globalName(fn *lua.LFunction) string {
	found := ""
	m.loaded.ForEach(func(module, value lua.LValue) {
		table, ok := value.(*lua.LTable)
		if !ok || found != "" {
			return
		}
		table.ForEach(func(key, value lua.LValue) {
			if name, ok := key.(lua.LString); ok && value == fn {
				found = module.String() + "." + string(name)
			}
		})
	})
	return strings.TrimPrefix(found, "_G.")
}
