package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSandbox: each function that opens a file or starts a process is refused by
// its name, in the policy and in its handlers, and a policy cannot get around it.
func TestSandbox(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.lua")
	if err := os.WriteFile(secret, []byte("return 'the secret'"), 0o600); err != nil {
		t.Fatal(err)
	}
	calls := map[string]string{
		"kumo.secrets.load":  fmt.Sprintf("kumo.secrets.load(%q)", secret),
		"kumo.fs.open":       fmt.Sprintf("kumo.fs.open(%q)", secret),
		"sqlite.open":        "require('sqlite').open(':memory:')",
		"kumo.glob":          "kumo.glob('/*')",
		"os.execute":         "os.execute()",
		"dofile":             fmt.Sprintf("dofile(%q)", secret),
		"io.open":            fmt.Sprintf("io.open(%q)", secret),
		"package.searchpath": fmt.Sprintf("package.searchpath('x', %q)", secret),
	}
	for _, full := range confined() {
		if calls[full] == "" {
			calls[full] = full + "('x')"
		}
	}
	for _, m := range Reference() {
		for _, f := range m.Functions {
			full := m.Name + "." + f.Name
			listed := slices.Contains(fileFunctions(), full) || slices.Contains(fileFunctions(), m.Name+".")
			if listed && calls[full] == "" {
				calls[full] = strings.Replace(full, m.Name, "require('"+strings.Replace(m.Name, "kumo.", "kumo').", 1), 1) + "('x')"
				if !strings.Contains(m.Name, ".") {
					calls[full] = "require('" + m.Name + "')." + f.Name + "('x')"
				}
			}
			if reads := strings.Contains(f.Doc, "Reads a file"); reads && !listed {
				t.Errorf("%s reads a file, and is not refused", full)
			}
		}
	}
	for full, call := range calls {
		_, err := LoadSource(t.Context(), "p.lua", []byte("local kumo = require 'kumo'\n"+call), Options{Sandbox: true})
		if got, want := errText(err), "p.lua:2: "+full+": "+sandboxed; !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q; want %q", call, got, want)
		}
	}
	for name, source := range map[string]string{
		"another search path":  "package.path = '" + dir + "/?.lua' return require 'secret'",
		"another searcher":     "package.path = '" + dir + "/?.lua' local found = package.searchers[2]('secret') return type(found) == 'function' and found() or error('none')",
		"the old io":           "return debug and debug.getregistry()._LOADED.io.open('" + secret + "') or error('none')",
		"a coroutine":          "return coroutine.wrap(function() return io.open('" + secret + "') end)()",
		"the loaded libraries": "return package.loaded.io.open('" + secret + "')",
	} {
		_, err := LoadSource(t.Context(), "p.lua", []byte("local function f() "+source+" end local got = f() require('kumo').log_info(got)"), Options{Sandbox: true})
		if err == nil {
			t.Errorf("%s: loaded; want it refused", name)
		}
	}
	h := mustHook(t, onAuth("return io.open('"+secret+"') ~= nil"), func(o *Options) { o.Sandbox = true })
	if _, err := h.Authenticate(t.Context(), "u", "p", testMeta); !strings.Contains(errText(err), "io.open: "+sandboxed) {
		t.Errorf("in a handler: got %v; want io.open refused", err)
	}
}

// TestInSandbox: what harms nobody goes on, and what Go reads for a policy too.
func TestInSandbox(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LUA_PATH", dir+"/?.lua")
	if err := os.WriteFile(filepath.Join(dir, "mine.lua"), []byte("return 'mine'"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := LoadSource(t.Context(), "p.lua", []byte(`local kumo, proxy = require 'kumo', require 'proxy'
assert(require 'mine' == 'mine' and os.getenv 'LUA_PATH' and os.time() and io.write('') and io.type(io.stdout) == 'file')
assert(kumo.secrets.load { key_data = 'x' } == 'x')
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', use_tls = true, tls_certificate = 'c.pem', tls_private_key = 'k.pem' }
end)`), Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}
