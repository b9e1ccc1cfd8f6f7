package policy

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// A policy in the sandbox reads no file, writes none, lists no directory and starts
// no process: what would is refused by name. It may be asked for where a policy
// comes from somebody who may decide about mail but not about the host.
//
// What Go does for a policy stays, since none of it reaches Lua: the certificates,
// keys and credentials that it names by file, the logs that it configures, and
// require, which runs Lua files along the package.path of the beginning.
const sandboxed = "a policy in the sandbox opens no files and starts no processes (--sandbox)"

// confined are the functions of the language's own libraries that do; those without
// a library are globals.
func confined() []string {
	return []string{
		"io.close", "io.input", "io.lines", "io.open", "io.output", "io.popen", "io.tmpfile",
		"os.execute", "os.remove", "os.rename", "os.tmpname",
		"package.searchpath", "dofile", "loadfile",
	}
}

// fileFunctions are those of the modules; a dot at the end stands for all of one.
func fileFunctions() []string {
	return []string{
		"kumo.fs.", "kumo.read_dir", "kumo.glob", "kumo.uncached_glob", "kumo.eval_config_monitor_globs",
		"kumo.serde.json_load", "kumo.serde.toml_load", "kumo.serde.yaml_load", "kumo.json_load", "kumo.toml_load", "kumo.yaml_load",
		"kumo.dns.load_resolv_conf", "sqlite.",
	}
}

// confine takes away what the libraries of a state have. It does nothing unless the
// program is to run in the sandbox.
func (s *state) confine() {
	if !s.program.options.Sandbox {
		return
	}
	for _, full := range confined() {
		table, field := s.L.G.Global, full
		if library, name, dotted := strings.Cut(full, "."); dotted {
			table, field = s.L.GetGlobal(library).(*lua.LTable), name
		}
		table.RawSetString(field, s.L.NewFunction(func(L *lua.LState) int {
			s.refuse(L, full, sandboxed)
			return 0
		}))
	}
}

// confine takes away what modules have.
func (p *program) confine(all []spec.Module) []spec.Module {
	if !p.options.Sandbox {
		return all
	}
	all = slices.Clone(all)
	for i := range all {
		functions := slices.Clone(all[i].Functions)
		for j := range functions {
			full := all[i].Name + "." + functions[j].Name
			if slices.Contains(fileFunctions(), full) || slices.Contains(fileFunctions(), all[i].Name+".") {
				functions[j].Call = refuseInSandbox(full)
			}
			if full == "kumo.secrets.load" {
				functions[j].Call = secretsInSandbox(full, functions[j].Call)
			}
		}
		all[i].Functions = functions
	}
	return all
}

func refuseInSandbox(full string) func(*spec.Env, *lua.LState) int {
	return func(_ *spec.Env, L *lua.LState) int {
		stateOf(L).refuse(L, full, sandboxed)
		return 0
	}
}

// secretsInSandbox gives Lua what is in Vault, but not what is in a file.
func secretsInSandbox(full string, call func(*spec.Env, *lua.LState) int) func(*spec.Env, *lua.LState) int {
	return func(e *spec.Env, L *lua.LState) int {
		if _, file := L.Get(1).(lua.LString); file {
			stateOf(L).refuse(L, full, sandboxed)
		}
		return call(e, L)
	}
}
