package policy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// raise leaves a Go function called from Lua with these mistakes. What Lua sees
// is their text, which is what a policy that calls pcall expects. It does not
// return.
func (s *state) raise(L *lua.LState, errs Errors) {
	s.raised = errs
	L.Error(lua.LString(errs.Error()), 0)
}

// refuse raises one mistake that is not about a parameter.
func (s *state) refuse(L *lua.LState, function, message string) {
	s.raise(L, Errors{{Position: s.caller(L), Function: function, Msg: message}})
}

// caller is the place in a policy from where the running Go function was called.
func (s *state) caller(L *lua.LState) Position {
	if p, ok := modules.Caller(L); ok {
		return Position(p)
	}
	return Position{File: s.program.name}
}

// explain makes our error of what came out of Lua.
func (s *state) explain(f *failure) Errors {
	text := s.errorText(f)
	if s.raised != nil && strings.HasSuffix(text, s.raised.Error()) {
		return s.raised // require puts its own words in front
	}
	at, message := s.split(text)
	if s.ctx.Err() != nil {
		return Errors{s.stopped(at, f.trace)}
	}
	if f.value == nil {
		return Errors{{Position: at, Msg: "internal error: " + message, Err: f.err}}
	}
	if m := nilField.FindStringSubmatch(message); m != nil {
		if why := s.missed.Why(m[1]); why != "" {
			return Errors{{Position: at, Msg: why}}
		}
	}
	if m := nilGlobal.FindStringSubmatch(message); m != nil && slices.Contains(s.program.modules.Roots(), m[1]) {
		message += fmt.Sprintf(": the file needs \"local %s = require '%s'\" above it", m[1], m[1])
	}
	return Errors{{Position: at, Msg: message, Traceback: s.traceback(f.trace)}}
}

// nilGlobal is what Lua says of a global that is not there, such as a module.
var nilGlobal = regexp.MustCompile(`^attempt to index a nil value \(global '([^']+)'\)$`)

// nilField is what Lua says of a field that is not there when it is used.
var nilField = regexp.MustCompile(`^attempt to (?:call|index) a nil value \((?:field|method) '([^']+)'\)$`)

// stopped is the error of a call whose context ended. Where it was is known, but
// how it came there is of no interest.
func (s *state) stopped(at Position, trace string) *Error {
	if m := innermost.FindStringSubmatch(trace); m != nil {
		at.File = m[1]
		at.Line, _ = strconv.Atoi(m[2])
	}
	what := "the policy"
	if s.event != "" && s.event != proxyInit {
		what = "the " + s.event + " handler"
	}
	const loop = ", perhaps in a loop without an end"
	cause := context.Cause(s.ctx)
	why := cause.Error()
	switch limits := s.program.options.Hooks.withDefaults(); {
	case errors.Is(cause, pool.ErrDeadline):
		why += " (" + duration.Format(limits.Deadline) + ")" + loop
	case errors.Is(cause, pool.ErrHeap):
		why += fmt.Sprintf(" (%d MiB)", limits.HeapBudget>>20)
	case errors.Is(cause, context.DeadlineExceeded):
		why = "ran longer than it may (" + duration.Format(s.program.options.Deadline) + ")" + loop
	}
	return &Error{Position: at, Msg: what + " was stopped: it " + why, Err: cause}
}

// innermost is the first line of a traceback that is in a file.
var innermost = regexp.MustCompile(`\n\t([^\n]+?):(\d+): in `)

// errorText is the text of what was raised: error() takes any value.
func (s *state) errorText(f *failure) string {
	if f.value == nil {
		return f.text
	}
	switch f.value.(type) {
	case lua.LString, lua.LNumber:
		return f.text
	}
	meta, ok := s.L.GetMetaField(f.value, "__tostring").(*lua.LFunction)
	if !ok {
		return f.text
	}
	if results, failed := callLua(s.L, meta, 1, []lua.LValue{f.value}); failed == nil {
		if text := lua.LVAsString(results[0]); text != "" {
			return text
		}
	}
	return f.text
}

// position is what Lua puts before the text of an error.
var position = regexp.MustCompile(`^([^\n]+?):(\d+): ?`)

// split takes the position off the text of an error. Without one, the error is
// about the policy as a whole or about the handler that ran.
func (s *state) split(text string) (Position, string) {
	if m := position.FindStringSubmatch(text); m != nil {
		if line, err := strconv.Atoi(m[2]); err == nil {
			return Position{File: m[1], Line: line}, strings.TrimPrefix(text, m[0])
		}
	}
	if h, ok := s.handlers[s.event]; ok {
		return h.at, strings.TrimSpace(text)
	}
	return Position{File: s.program.name}, strings.TrimSpace(text)
}

// traceback shortens Lua's own: the innermost frames are enough to find a
// mistake, and the outermost is Go.
func (s *state) traceback(full string) string {
	const most = 9 // with the heading
	lines := strings.Split(strings.TrimSuffix(full, "\n\t[C]: in ?"), "\n")
	if h, ok := s.handlers[s.event]; ok && !h.function.IsG {
		// A handler has no name of its own, but everybody knows it by that of its event.
		proto := h.function.Proto
		anonymous := fmt.Sprintf("in function <%s:%d>", proto.SourceName, proto.LineDefined)
		last := len(lines) - 1
		lines[last] = strings.Replace(lines[last], anonymous, "in the "+s.event+" handler", 1)
	}
	if len(lines) > most {
		lines = append(lines[:most-1], "\t...")
	}
	return strings.Join(lines, "\n")
}
