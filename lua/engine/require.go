package engine

import (
	"os"
	"path/filepath"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) openPackage(L *lua.LState) {
	library := m.library(L, "package", map[string]lua.LGFunction{
		"loadlib":    packageLoadLib,
		"searchpath": packageSearchPath,
	})
	searchers := L.CreateTable(2, 0)
	searchers.RawSetInt(1, L.NewFunction(m.searchPreload))
	searchers.RawSetInt(2, L.NewFunction(m.searchFile))
	m.packageTable = library
	library.RawSetString("loaded", m.loaded)
	library.RawSetString("preload", L.CreateTable(0, 0))
	library.RawSetString("searchers", searchers)
	library.RawSetString("path", lua.LString(m.options.SearchPath))
	library.RawSetString("cpath", lua.LString(""))
	library.RawSetString("config", lua.LString(string(filepath.Separator)+"\n;\n?\n!\n-\n"))
	// The library's own functions for modules look for these.
	L.G.Registry.RawSetString("_LOADED", m.loaded)
	L.G.Registry.RawSetString("_LOADERS", searchers)
}

// baseRequire loads a module once and returns what it returned and where it was
// found.
func (m *machine) baseRequire(L *lua.LState) int {
	name := checkString(L, 1)
	if value := m.loaded.RawGetString(name); lua.LVAsBool(value) {
		L.Push(value)
		return 1
	}
	loader, data := m.findLoader(L, name)
	L.Push(loader)
	L.Push(lua.LString(name))
	L.Push(data)
	m.callback(L, 2, 1)
	if value := L.Get(-1); value != lua.LNil {
		m.loaded.RawSetString(name, value)
	}
	if m.loaded.RawGetString(name) == lua.LNil {
		m.loaded.RawSetString(name, lua.LTrue)
	}
	L.Push(m.loaded.RawGetString(name))
	L.Push(data)
	return 2
}

// findLoader asks the searchers in turn.
func (m *machine) findLoader(L *lua.LState, name string) (loader, data lua.LValue) {
	searchers, ok := m.packageTable.RawGetString("searchers").(*lua.LTable)
	if !ok {
		raisef(L, "'package.searchers' must be a table")
	}
	var tried strings.Builder
	for i := 1; ; i++ {
		searcher := searchers.RawGetInt(i)
		if searcher == lua.LNil {
			raisef(L, "module '%s' not found:%s", name, tried.String())
		}
		L.Push(searcher)
		L.Push(lua.LString(name))
		m.callback(L, 1, 2)
		loader, data = L.Get(-2), L.Get(-1)
		L.Pop(2)
		switch loader := loader.(type) {
		case *lua.LFunction:
			return loader, data
		case lua.LString:
			tried.WriteString("\n\t" + string(loader))
		}
	}
}

func (m *machine) searchPreload(L *lua.LState) int {
	name := checkString(L, 1)
	if preload, ok := m.packageTable.RawGetString("preload").(*lua.LTable); ok {
		if loader := preload.RawGetString(name); loader != lua.LNil {
			L.Push(loader)
			L.Push(lua.LString(":preload:"))
			return 2
		}
	}
	L.Push(lua.LString("no field package.preload['" + name + "']"))
	return 1
}

func (m *machine) searchFile(L *lua.LState) int {
	name := checkString(L, 1)
	path, ok := m.packageTable.RawGetString("path").(lua.LString)
	if !ok {
		raisef(L, "'package.path' must be a string")
	}
	file, tried := findFile(name, string(path), ".", string(filepath.Separator))
	if file == "" {
		L.Push(lua.LString(tried))
		return 1
	}
	chunk, problem := m.loadFile(file)
	if problem != "" {
		raisef(L, "error loading module '%s' from file '%s':\n\t%s", name, file, problem)
	}
	L.Push(L.NewFunctionFromProto(chunk))
	L.Push(lua.LString(file))
	return 2
}

// findFile puts the name into the patterns of path and returns the first file
// that is there, or the list of those that are not.
func findFile(name, path, separator, replacement string) (file, tried string) {
	if separator != "" {
		name = strings.ReplaceAll(name, separator, replacement)
	}
	var missing []string
	for pattern := range strings.SplitSeq(path, ";") {
		candidate := strings.ReplaceAll(pattern, "?", name)
		if info, err := os.Stat(candidate); err == nil && !info.IsDir() {
			return candidate, ""
		}
		missing = append(missing, "no file '"+candidate+"'")
	}
	return "", strings.Join(missing, "\n\t")
}

func packageSearchPath(L *lua.LState) int {
	name, path := checkString(L, 1), checkString(L, 2)
	separator := optString(L, 3, ".")
	file, tried := findFile(name, path, separator, optString(L, 4, string(filepath.Separator)))
	if file == "" {
		L.Push(lua.LNil)
		L.Push(lua.LString(tried))
		return 2
	}
	L.Push(lua.LString(file))
	return 1
}

func packageLoadLib(L *lua.LState) int {
	checkString(L, 1)
	checkString(L, 2)
	L.Push(lua.LNil)
	L.Push(lua.LString("dynamic libraries not enabled; check your Lua installation"))
	L.Push(lua.LString("absent"))
	return 3
}
