package core

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// runLua runs a text in a state with the functions of p.
func runLua(p *Process, source string) error {
	L := lua.NewState()
	defer L.Close()
	modules.Open(L, &spec.Env{}, p.Modules(), nil)
	return L.DoString("local kumo = require 'kumo' " + source)
}

func TestLimitFunctionsRefuse(t *testing.T) {
	for call, want := range map[string]string{
		`kumo.set_max_spare_lua_contexts(-1)`:        "kumo.set_max_spare_lua_contexts: expected a whole number between 0 and 2147483647, got -1",
		`kumo.set_max_spare_lua_contexts('8')`:       "got string",
		`kumo.set_max_lua_context_use_count(0)`:      "kumo.set_max_lua_context_use_count: expected a whole number between 1 and 2147483647, got 0",
		`kumo.set_max_lua_context_age(1.5)`:          "kumo.set_max_lua_context_age: expected a whole number between 0 and 31536000, got 1.5",
		`kumo.set_max_lua_context_age(0/0)`:          "kumo.set_max_lua_context_age: expected a whole number",
		`kumo.set_lua_gc_on_put(101)`:                "kumo.set_lua_gc_on_put: expected a whole number between 0 and 100, got 101",
		`kumo.set_lua_gc_on_put()`:                   "got nil",
		`kumo.set_config_monitor_globs({1})`:         "kumo.set_config_monitor_globs: [1]: expected a pattern such as '/etc/troupe/**/*.lua', got number",
		`kumo.set_diagnostic_log_filter('lua=info')`: "kumo.set_diagnostic_log_filter is not part of Troupe: ",
		`kumo.prometheus_metrics()`:                  "kumo.prometheus_metrics is not part of Troupe: ",
	} {
		err := runLua(&Process{Limits: pool.NewLimits(), Globs: NewGlobs()}, call)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v; want %q in it", call, err, want)
		}
	}
}

// The functions accept what KumoMTA's do at their bounds.
func TestLimitFunctionsAccept(t *testing.T) {
	for _, call := range []string{
		`kumo.set_max_spare_lua_contexts(0) kumo.set_max_spare_lua_contexts(8192)`,
		`kumo.set_max_lua_context_use_count(1) kumo.set_max_lua_context_use_count(1024)`,
		`kumo.set_max_lua_context_age(0) kumo.set_max_lua_context_age(300)`,
		`kumo.set_lua_gc_on_put(0) kumo.set_lua_gc_on_put(100)`,
	} {
		if err := runLua(&Process{Limits: pool.NewLimits(), Globs: NewGlobs()}, call); err != nil {
			t.Errorf("%s\ngot %v", call, err)
		}
	}
}

func TestEvalGlobs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.lua", "a.lua", "c.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &Process{Limits: pool.NewLimits(), Globs: NewGlobs()}
	err := runLua(p, `kumo.set_config_monitor_globs { '`+filepath.ToSlash(dir)+`/*.lua' }
		local files = kumo.eval_config_monitor_globs()
		assert(#files == 2 and files[1]:find('a.lua$') and files[2]:find('b.lua$'), table.concat(files, ' '))`)
	if err != nil {
		t.Error(err)
	}
	if got := p.Globs.Patterns(); len(got) != 1 || !strings.HasSuffix(got[0], "/*.lua") {
		t.Errorf("got the patterns %q; want the one that was set", got)
	}
}
