package policy

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// searchPath stands before Lua's own package.path, as in KumoMTA.
const searchPath = "/opt/kumomta/share/?.lua;/opt/kumomta/share/?/init.lua;" +
	"/opt/kumomta/etc/policy/?.lua;/opt/kumomta/etc/policy/?/init.lua;"

// openLibraries opens the standard libraries that a policy has, and takes away
// what could harm the daemon. There is no debug library, as in KumoMTA, and none
// of gopher-lua's channels.
func (l *load) openLibraries(L *lua.LState) {
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage}, // before all others, which register themselves with it
		{lua.BaseLibName, lua.OpenBase},
		{lua.CoroutineLibName, lua.OpenCoroutine},
		{lua.TabLibName, lua.OpenTable},
		{lua.IoLibName, lua.OpenIo},
		{lua.OsLibName, lua.OpenOs},
		{lua.StringLibName, lua.OpenString},
		{lua.MathLibName, lua.OpenMath},
	} {
		L.Push(L.NewFunction(library.open))
		L.Push(lua.LString(library.name))
		L.Call(1, 0)
	}
	L.SetGlobal("print", L.NewFunction(l.print))
	L.SetGlobal("_printregs", lua.LNil) // gopher-lua's own, writes to the daemon's output

	os := L.GetGlobal("os")
	L.SetField(os, "exit", L.NewFunction(l.exit))
	L.SetField(os, "setenv", lua.LNil) // not Lua's; would change the environment of the daemon

	pkg := L.GetGlobal("package")
	L.SetField(pkg, "path", lua.LString(searchPath)+L.GetField(pkg, "path").(lua.LString))
	L.SetField(pkg, "loadlib", L.NewFunction(l.loadlib))
}

// print writes its arguments with tabs between and a newline behind, as Lua's does.
func (l *load) print(L *lua.LState) int {
	line := ""
	for i := 1; i <= L.GetTop(); i++ {
		if i > 1 {
			line += "\t"
		}
		line += L.ToStringMeta(L.Get(i)).String()
	}
	// print has no way to report that nobody reads, neither here nor in Lua.
	_, _ = fmt.Fprintln(l.options.Stdout, line)
	return 0
}

func (l *load) exit(L *lua.LState) int {
	l.refuse(L, "os.exit", "a policy must not end the daemon")
	return 0
}

func (l *load) loadlib(L *lua.LState) int {
	l.refuse(L, "package.loadlib", "C libraries cannot be loaded")
	return 0
}
