package dialect

import (
	"errors"
	"fmt"
	"sort"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Compile is Parse and CompileTree in one.
func Compile(name string, source []byte) (*lua.FunctionProto, error) {
	chunk, err := Parse(name, source)
	if err != nil {
		return nil, err
	}
	return CompileTree(name, chunk)
}

// CompileTree makes a function of a tree that Parse returned. It may run in any
// number of states that Install was called for. The tree is not to be compiled
// by two goroutines at once, since the compiler completes it. The error is an
// *Error, for a function that is too large for the engine.
func CompileTree(name string, chunk []ast.Stmt) (proto *lua.FunctionProto, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			proto, err = nil, &Error{Name: name, Message: fmt.Sprintf("cannot be compiled: %v", reason)}
		}
	}()
	proto, err = lua.Compile(chunk, name)
	var failed *lua.CompileError
	switch {
	case errors.As(err, &failed):
		line := failed.Line
		if line == 0 {
			line = culprit(name, chunk, failed.Message)
		}
		return nil, &Error{Name: name, Line: line, Message: reworded(failed.Message)}
	case err != nil:
		return nil, &Error{Name: name, Message: "cannot be compiled: " + err.Error()}
	}
	if err := checkSize(name, proto); err != nil {
		return nil, err
	}
	return proto, nil
}

// reworded says what the engine's compiler means.
func reworded(message string) string {
	switch message {
	case "register overflow", "register overflow(too many local variables)", "too many local variables":
		return "function needs too many registers for its locals and expressions (limit is 200)"
	}
	if message == "too long to jump." {
		return tooFar
	}
	return message
}

// culprit is the line of the statement that makes the chunk too large: the last
// of as few as are too large. The engine says the line of the function, and the
// chunk has none.
func culprit(name string, chunk []ast.Stmt, message string) int {
	n := sort.Search(len(chunk)-1, func(n int) bool {
		_, err := lua.Compile(chunk[:n+1], name)
		var failed *lua.CompileError
		return errors.As(err, &failed) && failed.Message == message
	})
	return chunk[n].Line()
}

// What an instruction of the engine can count. Its compiler does not look.
const (
	tooFar        = "function has too many instructions to jump over"
	mostUpvalues  = 255
	farthestJump  = 1<<17 - 1
	mostFunctions = 1 << 18
)

// checkSize refuses a function of whose parts some do not fit in an instruction,
// for it would run as something else.
func checkSize(name string, proto *lua.FunctionProto) error {
	refuse := func(format string, args ...any) error {
		line := max(proto.LineDefined, 1) // the chunk has none
		return &Error{Name: name, Line: line, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(proto.DbgUpvalues) > mostUpvalues:
		return refuse("function has too many upvalues (limit is %d)", mostUpvalues)
	case len(proto.FunctionPrototypes) > mostFunctions:
		return refuse("function has too many functions in it (limit is %d)", mostFunctions)
	case len(proto.Code) > farthestJump && jumps(proto.Code):
		return refuse(tooFar)
	}
	for _, inner := range proto.FunctionPrototypes {
		if err := checkSize(name, inner); err != nil {
			return err
		}
	}
	return nil
}

// jumps reports whether there is a jump in the code. The words after a closure
// may look like one, but that makes a large function refused, not wrong.
func jumps(code []uint32) bool {
	for _, instruction := range code {
		switch int(instruction >> 26) {
		case lua.OP_JMP, lua.OP_FORLOOP, lua.OP_FORPREP, lua.OP_TFORLOOP:
			return true
		}
	}
	return false
}
