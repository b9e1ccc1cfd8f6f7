package policy

import (
	"os"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const (
	// kumoPath stands before Lua's own package.path, as in KumoMTA.
	kumoPath = "/opt/kumomta/share/?.lua;/opt/kumomta/share/?/init.lua;" +
		"/opt/kumomta/etc/policy/?.lua;/opt/kumomta/etc/policy/?/init.lua;"
	// defaultPath is Lua 5.4's own, without that for C libraries.
	defaultPath = "/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;" +
		"/usr/local/lib/lua/5.4/?.lua;/usr/local/lib/lua/5.4/?/init.lua;./?.lua;./?/init.lua"
)

// searchPath is package.path at the beginning. Two semicolons in the environment
// stand for the default, Lua 5.4 manual section 6.3.
func searchPath() string {
	path := os.Getenv("LUA_PATH_5_4")
	if path == "" {
		path = os.Getenv("LUA_PATH")
	}
	if path == "" {
		return kumoPath + defaultPath
	}
	path = strings.ReplaceAll(path, ";;", ";"+defaultPath+";")
	return kumoPath + strings.Trim(path, ";")
}

// refuseHarm words what a policy cannot do as every other mistake in it.
func (s *state) refuseHarm() {
	L := s.L
	L.SetField(L.GetGlobal("os"), "exit", L.NewFunction(s.exit))
	L.SetField(L.GetGlobal("package"), "loadlib", L.NewFunction(s.loadlib))
}

func (s *state) exit(L *lua.LState) int {
	s.refuse(L, "os.exit", "a policy must not end the daemon")
	return 0
}

func (s *state) loadlib(L *lua.LState) int {
	s.refuse(L, "package.loadlib", "C libraries cannot be loaded")
	return 0
}
