package policy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// raise leaves a Go function called from Lua with these mistakes. What Lua sees
// is their text, which is what a policy that calls pcall expects. It does not
// return.
func (l *load) raise(L *lua.LState, errs Errors) {
	l.raised = errs
	L.Error(lua.LString(errs.Error()), 0)
}

// refuse raises one mistake that is not about a parameter.
func (l *load) refuse(L *lua.LState, function, message string) {
	l.raise(L, Errors{{Position: l.caller(L), Function: function, Msg: message}})
}

// caller is the place in a policy from where the running Go function was called.
// It looks past Go functions in between, such as pcall, and out of coroutines.
func (l *load) caller(L *lua.LState) Position {
	const deepest = 200
	for ; L != nil; L = L.Parent {
		for level := range deepest {
			frame, ok := L.GetStack(level)
			if !ok {
				break
			}
			if _, err := L.GetInfo("Sl", frame, lua.LNil); err == nil && frame.CurrentLine > 0 {
				return Position{File: frame.Source, Line: frame.CurrentLine}
			}
		}
	}
	return Position{File: l.policy.Name}
}

// explain makes our error of what came out of Lua.
func (l *load) explain(L *lua.LState, err error) Errors {
	var failed *lua.ApiError
	if !errors.As(err, &failed) {
		return Errors{fileError(l.policy.Name, err.Error(), err)}
	}
	text := l.errorText(L, failed.Object)
	if l.raised != nil && text == l.raised.Error() {
		return l.raised
	}
	at, message := l.split(strings.TrimSuffix(text, ", ")) // require ends its list of places so
	switch cause := l.ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		limit := FormatDuration(l.options.Deadline)
		return Errors{{Position: at, Msg: "the policy was stopped: it ran longer than it may (" + limit + "), perhaps in a loop without an end", Err: cause}}
	case cause != nil:
		return Errors{{Position: at, Msg: "the policy was stopped: " + cause.Error(), Err: cause}}
	}
	trace := l.traceback(failed.StackTrace)
	if failed.Type == lua.ApiErrorPanic {
		// A panic in Go: it has no position, but a traceback.
		if m := innermost.FindStringSubmatch(trace); m != nil {
			at.File = m[1]
			at.Line, _ = strconv.Atoi(m[2])
		}
		if message != callStackOverflow {
			message = "internal error: " + message
		}
	}
	return Errors{{Position: at, Msg: message, Traceback: trace}}
}

// callStackOverflow is what gopher-lua says, by a panic, when functions call
// each other without end.
const callStackOverflow = "lua callstack overflow"

// innermost is the first line of a traceback that is in a file.
var innermost = regexp.MustCompile(`\n\t([^\n]+?):(\d+): in `)

// errorText is the text of what was raised: error() takes any value.
func (l *load) errorText(L *lua.LState, raised lua.LValue) (text string) {
	switch v := raised.(type) {
	case lua.LString, lua.LNumber:
		return v.String()
	}
	text = fmt.Sprintf("(error object is a %s value)", raised.Type())
	meta := L.GetMetaField(raised, "__tostring")
	if meta == lua.LNil {
		return text
	}
	if L.CallByParam(lua.P{Fn: meta, NRet: 1, Protect: true}, raised) == nil {
		text = lua.LVAsString(L.Get(-1))
		L.Pop(1)
	}
	return text
}

// position is what Lua puts before the text of an error.
var position = regexp.MustCompile(`^([^\n]+?):(\d+): ?`)

// split takes the position off the text of an error. Without one, the error is
// about the policy as a whole or about the handler that ran.
func (l *load) split(text string) (Position, string) {
	if m := position.FindStringSubmatch(text); m != nil {
		if line, err := strconv.Atoi(m[2]); err == nil {
			return Position{File: m[1], Line: line}, strings.TrimPrefix(text, m[0])
		}
	}
	if h, ok := l.handlers[l.event]; ok {
		return h.at, strings.TrimSpace(text)
	}
	return Position{File: l.policy.Name}, strings.TrimSpace(text)
}

// traceback shortens Lua's own: the innermost frames are enough to find a
// mistake, and the outermost is Go.
func (l *load) traceback(full string) string {
	const most = 9 // with the heading
	lines := strings.Split(strings.TrimSuffix(full, "\n\t[G]: ?"), "\n")
	if len(lines) > most {
		lines = append(lines[:most-1], "\t...")
	}
	text := strings.Join(lines, "\n")
	if l.event != "" {
		// gopher-lua calls every function without a caller the main chunk.
		text = strings.Replace(text, "in main chunk", "in the "+l.event+" handler", 1)
	}
	return text
}
