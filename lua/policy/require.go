package policy

import (
	"os"
	"path/filepath"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openRequire makes require read files with the checks and messages of the
// policy file itself, and each file once for all states.
func (s *state) openRequire() {
	searchers := s.L.GetField(s.L.GetGlobal("package"), "searchers").(*lua.LTable)
	searchers.RawSetInt(2, s.L.NewFunction(s.loadModule))
}

// loadModule finds name along package.path. It returns the compiled file and its
// name, or a text that says where it looked, as require wants it.
func (s *state) loadModule(L *lua.LState) int {
	name := strings.ReplaceAll(L.CheckString(1), ".", string(filepath.Separator))
	path, ok := L.GetField(L.GetGlobal("package"), "path").(lua.LString)
	if !ok {
		s.refuse(L, "require", "package.path is not a string")
	}
	if s.program.options.Sandbox {
		path = lua.LString(searchPath())
	}
	var tried []string
	for pattern := range strings.SplitSeq(string(path), ";") {
		file := strings.ReplaceAll(pattern, "?", name)
		if !s.program.chunks.has(file) && !isFile(file) {
			tried = append(tried, "no file '"+file+"'")
			continue
		}
		chunk, err := s.program.chunks.file(file)
		if err != nil {
			s.raise(L, Errors{err})
		}
		L.Push(L.NewFunctionFromProto(chunk))
		L.Push(lua.LString(file))
		return 2
	}
	L.Push(lua.LString(strings.Join(tried, "\n\t")))
	return 1
}

// compileFile is for dofile and loadfile, which read a file anew each time.
func (s *state) compileFile(name string) (*lua.FunctionProto, error) {
	source, err := readFile(name)
	if err != nil {
		return nil, err
	}
	tree, err := parse(name, source)
	if err != nil {
		return nil, err
	}
	chunk, err := compile(name, tree)
	if err != nil {
		return nil, err
	}
	return chunk, nil
}

// isFile says whether there is something to read under a name.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}
