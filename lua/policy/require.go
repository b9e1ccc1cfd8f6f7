package policy

import (
	"os"
	"path/filepath"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openRequire makes require read files with the checks and messages of the
// policy file itself; gopher-lua's own loader stands second in package.loaders.
func (l *load) openRequire(L *lua.LState) {
	loaders := L.GetField(L.GetGlobal("package"), "loaders").(*lua.LTable)
	loaders.RawSetInt(2, L.NewFunction(l.loadModule))
}

// loadModule finds name along package.path. It returns the compiled file, or a
// text that says where it looked, as require wants it.
func (l *load) loadModule(L *lua.LState) int {
	name := strings.ReplaceAll(L.CheckString(1), ".", string(filepath.Separator))
	path, ok := L.GetField(L.GetGlobal("package"), "path").(lua.LString)
	if !ok {
		l.refuse(L, "require", "package.path is not a string")
	}
	var tried strings.Builder
	for pattern := range strings.SplitSeq(string(path), ";") {
		file := strings.ReplaceAll(pattern, "?", name)
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			tried.WriteString("\n\tno file '" + file + "'")
			continue
		}
		L.Push(l.loadFile(L, file))
		return 1
	}
	L.Push(lua.LString(strings.TrimPrefix(tried.String(), "\n\t")))
	return 1
}

func (l *load) loadFile(L *lua.LState, file string) *lua.LFunction {
	source, err := readFile(file)
	if err != nil {
		l.raise(L, Errors{err})
	}
	tree, err := parse(file, source)
	if err != nil {
		l.raise(L, Errors{err})
	}
	l.sources.add(file, tree)
	chunk, err := compile(file, tree)
	if err != nil {
		l.raise(L, Errors{err})
	}
	return L.NewFunctionFromProto(chunk)
}
