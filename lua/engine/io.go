package engine

import (
	"os"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) openIO(L *lua.LState) {
	m.openFiles(L)
	library := m.library(L, "io", map[string]lua.LGFunction{
		"close":   m.ioClose,
		"flush":   m.ioFlush,
		"input":   m.ioInput,
		"lines":   m.ioLines,
		"open":    m.ioOpen,
		"output":  m.ioOutput,
		"popen":   m.ioPopen,
		"read":    m.ioRead,
		"tmpfile": m.ioTmpfile,
		"type":    ioType,
		"write":   m.ioWrite,
	})
	// A daemon has no standard input: it is at its end.
	m.stdin = m.wrap(&file{name: "stdin", standard: true, source: strings.NewReader("")})
	stdout := m.wrap(&file{name: "stdout", standard: true, sink: m.options.Stdout})
	stderr := m.wrap(&file{name: "stderr", standard: true, sink: m.options.Stderr})
	library.RawSetString("stdin", m.stdin)
	library.RawSetString("stdout", stdout)
	library.RawSetString("stderr", stderr)
	m.input, m.output = m.stdin, stdout
}

// isMode says whether a mode of io.open is one of C's.
func isMode(mode string) bool {
	if mode == "" || strings.IndexByte("rwa", mode[0]) < 0 {
		return false
	}
	rest := strings.TrimPrefix(mode[1:], "+")
	return rest == "" || rest == "b"
}

func openFlags(mode string) int {
	update := strings.Contains(mode, "+")
	switch {
	case mode[0] == 'r' && update:
		return os.O_RDWR
	case mode[0] == 'r':
		return os.O_RDONLY
	}
	flags := os.O_WRONLY | os.O_CREATE
	if update {
		flags = os.O_RDWR | os.O_CREATE
	}
	if mode[0] == 'a' {
		return flags | os.O_APPEND
	}
	return flags | os.O_TRUNC
}

func (m *machine) openPath(path, mode string) (*lua.LUserData, error) {
	f, err := os.OpenFile(path, openFlags(mode), 0o666)
	if err != nil {
		return nil, err
	}
	opened := newFile(path, f, mode)
	return m.own(opened), nil
}

func (m *machine) ioOpen(L *lua.LState) int {
	path, mode := checkString(L, 1), optString(L, 2, "r")
	if !isMode(mode) {
		argError(L, 2, "invalid mode")
	}
	f, err := m.openPath(path, mode)
	if err != nil {
		return pushResult(L, err, path)
	}
	L.Push(f)
	return 1
}

func (m *machine) ioPopen(L *lua.LState) int {
	command, mode := checkString(L, 1), optString(L, 2, "r")
	if mode != "r" && mode != "w" {
		argError(L, 2, "invalid mode")
	}
	f, err := m.popen(L, command, mode)
	if err != nil {
		return pushResult(L, err, command)
	}
	f.buffer()
	L.Push(m.own(f))
	return 1
}

// ioTmpfile opens a file that is gone when it is closed.
func (m *machine) ioTmpfile(L *lua.LState) int {
	f, err := os.CreateTemp("", "lua_")
	if err != nil {
		return pushResult(L, err, "")
	}
	opened := newFile(f.Name(), f, "w+")
	opened.temporary = true
	L.Push(m.own(opened))
	return 1
}

func ioType(L *lua.LState) int {
	data, ok := checkAny(L, 1).(*lua.LUserData)
	f, isFile := (*file)(nil), false
	if ok {
		f, isFile = data.Value.(*file)
	}
	switch {
	case !isFile:
		L.Push(lua.LNil)
	case f.closed:
		L.Push(lua.LString("closed file"))
	default:
		L.Push(lua.LString("file"))
	}
	return 1
}

// standardFile is the current default file, which must be open.
func standardFile(L *lua.LState, data *lua.LUserData, what string) *file {
	f := data.Value.(*file)
	if f.closed {
		raisef(L, "default %s file is closed", what)
	}
	return f
}

func (m *machine) ioInput(L *lua.LState) int  { return m.choose(L, &m.input, "r") }
func (m *machine) ioOutput(L *lua.LState) int { return m.choose(L, &m.output, "w") }

// choose sets a default file by name or value, and returns it.
func (m *machine) choose(L *lua.LState, current **lua.LUserData, mode string) int {
	switch v := L.Get(1).(type) {
	case *lua.LNilType:
	case lua.LString, lua.LNumber:
		path := checkString(L, 1)
		f, err := m.openPath(path, mode)
		if err != nil {
			raisef(L, "cannot open file '%s' (%s)", path, reasonText(err))
		}
		*current = f
	default:
		checkOpenFile(L, 1)
		*current = v.(*lua.LUserData)
	}
	L.Push(*current)
	return 1
}

func (m *machine) ioClose(L *lua.LState) int {
	if L.GetTop() == 0 {
		return m.closeFile(L, standardFile(L, m.output, "output"))
	}
	return m.closeFile(L, checkOpenFile(L, 1))
}

func (m *machine) ioFlush(L *lua.LState) int {
	return pushResult(L, standardFile(L, m.output, "output").flush(), "")
}

func (m *machine) ioWrite(L *lua.LState) int {
	return m.write(L, m.output, standardFile(L, m.output, "output"), 1)
}

func (m *machine) ioRead(L *lua.LState) int {
	return m.read(L, standardFile(L, m.input, "input"), 1)
}

// ioLines iterates over the lines of a file, which it closes at the end when it
// opened it.
func (m *machine) ioLines(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		standardFile(L, m.input, "input")
		return m.lines(L, m.input, false)
	}
	path := checkString(L, 1)
	data, err := m.openPath(path, "r")
	if err != nil {
		raisef(L, "cannot open file '%s' (%s)", path, reasonText(err))
	}
	// The reference implementation adds the file as the value to close after a loop
	// that was left early, which the language as it is compiled here has not.
	return m.lines(L, data, true)
}
