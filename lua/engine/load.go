package engine

import (
	"errors"
	"io/fs"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// baseLoad compiles a text, or the pieces that a function returns.
func (m *machine) baseLoad(L *lua.LState) int {
	source, ok := L.Get(1).(lua.LString)
	name := "=(load)"
	if ok {
		name = string(source)
	} else if _, number := L.Get(1).(lua.LNumber); number {
		name = checkString(L, 1)
		source = lua.LString(name)
	} else {
		reader := checkFunction(L, 1)
		text, problem := m.readPieces(L, reader)
		if problem != nil {
			L.Push(lua.LNil)
			L.Push(problem)
			return 2
		}
		source = lua.LString(text)
	}
	name = optString(L, 2, name)
	mode := optString(L, 3, "bt")
	return m.finishLoad(L, displayName(name), string(source), mode)
}

// readPieces calls reader until it returns nil or an empty string. An error in it
// is the result of load.
func (m *machine) readPieces(L *lua.LState, reader *lua.LFunction) (text string, problem lua.LValue) {
	var pieces strings.Builder
	for {
		piece, ok := m.try(L, reader)
		if !ok {
			return "", piece
		}
		switch piece := piece.(type) {
		case *lua.LNilType:
			return pieces.String(), nil
		case lua.LString:
			if piece == "" {
				return pieces.String(), nil
			}
			if pieces.Len()+len(piece) > m.options.Memory {
				return "", lua.LString(m.tooLong())
			}
			pieces.WriteString(string(piece))
		default:
			return "", lua.LString(position(L, 1) + "reader function must return a string")
		}
	}
}

// try calls a function without arguments, protected, and gives its result or the
// error value.
func (m *machine) try(L *lua.LState, fn *lua.LFunction) (value lua.LValue, ok bool) {
	base := L.GetTop()
	th := m.takeProtected()
	th.Push(fn)
	end := m.launch(L, th, 0)
	value = L.Get(base + 2)
	L.SetTop(base)
	if end == finished {
		m.giveBack(th)
	}
	return value, end == finished
}

// finishLoad pushes the compiled function, whose globals are argument 4 if there
// is one, or nil and the error.
func (m *machine) finishLoad(L *lua.LState, name, source, mode string) int {
	problem := refuseMode(name, source, mode)
	if problem == "" {
		chunk, err := compile(name, source)
		if err == nil {
			return pushChunk(L, chunk, 4)
		}
		problem = err.Error()
	}
	L.Push(lua.LNil)
	L.Push(lua.LString(problem))
	return 2
}

// refuseMode says why a source of that mode is not loaded. Compiled chunks never
// are: the engine has no code for them.
func refuseMode(name, source, mode string) string {
	binary := strings.HasPrefix(source, "\x1bLua")
	switch {
	case binary && strings.Contains(mode, "b"):
		return name + ": bad binary format (compiled Lua is not supported)"
	case binary:
		return "attempt to load a binary chunk (mode is '" + mode + "')"
	case !strings.Contains(mode, "t"):
		return "attempt to load a text chunk (mode is '" + mode + "')"
	}
	return ""
}

// pushChunk makes a function of a chunk; its globals are the table that is
// argument n, when given.
func pushChunk(L *lua.LState, chunk *lua.FunctionProto, n int) int {
	fn := L.NewFunctionFromProto(chunk)
	switch {
	case L.GetTop() < n:
	case L.Get(n) == lua.LNil:
		fn.Env = L.CreateTable(0, 0) // nil given on purpose: no globals
	default:
		fn.Env = checkTable(L, n)
	}
	L.Push(fn)
	return 1
}

// loadFile compiles a file, or says what is wrong with it.
func (m *machine) loadFile(path string) (chunk *lua.FunctionProto, problem string) {
	chunk, err := m.options.Compile(path)
	if err == nil {
		return chunk, ""
	}
	var unread *fs.PathError
	if errors.As(err, &unread) {
		return nil, "cannot open " + path + ": " + reasonText(unread.Err)
	}
	return nil, err.Error()
}

func (m *machine) baseLoadFile(L *lua.LState) int {
	path := m.checkPath(L)
	mode := optString(L, 2, "bt")
	if problem := refuseMode(path, "", mode); problem != "" {
		L.Push(lua.LNil)
		L.Push(lua.LString(problem))
		return 2
	}
	chunk, problem := m.loadFile(path)
	if problem != "" {
		L.Push(lua.LNil)
		L.Push(lua.LString(problem))
		return 2
	}
	return pushChunk(L, chunk, 3)
}

// checkPath takes a file name. Without one the reference implementation reads
// standard input, which a daemon has none of.
func (m *machine) checkPath(L *lua.LState) string {
	if L.Get(1) == lua.LNil {
		argError(L, 1, "file name expected, standard input cannot be loaded")
	}
	return checkString(L, 1)
}

func (m *machine) baseDoFile(L *lua.LState) int {
	path := m.checkPath(L)
	chunk, problem := m.loadFile(path)
	if problem != "" {
		throw(L, problem)
	}
	L.SetTop(0)
	L.Push(L.NewFunctionFromProto(chunk))
	m.callback(L, 0, lua.MultRet)
	return L.GetTop()
}
