//go:build unix

package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver that policies have too
)

// misbehaviours are what a handler can do wrong, by the name of the user that it
// does it for. said is what the log has of it. In a body %[1]s is a directory,
// %[2]s the address of a Vault that is sealed, %[3]s one where nobody listens.
var misbehaviours = []struct{ user, body, said string }{
	{"loop", `while true do end`, "it ran longer than it may (5s), perhaps in a loop without an end"},
	{"error", `error('no backend today')`, "no backend today"},
	{"number", `return 1`, "expected true, false, or a table with identities and groups, got number"},
	{"nothing", `return`, "expected true, false, or a table with identities and groups, got nil"},
	{"string", `return ('x'):rep(100 * 1024 * 1024)`, "resulting string too large"},
	{"hoard", `local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end`, "it used more memory than it may (256 MiB)"},
	{"recursion", `local function f() return 1 + f() end return f()`, "stack overflow"},
	{"yield", `coroutine.yield(true)`, "attempt to yield from outside a coroutine"},
	{"resume", `local c c = coroutine.wrap(function() c() end) c()`, "cannot resume non-suspended coroutine"},
	{"module", `require('vanished')`, "vanished"},
	{"redis", `require('redis').open({ node = 'redis://:hunter2@%[3]s' }):query('ping')`, "connection refused"},
	{"sqlite", `require('sqlite').open('%[1]s/users.db', 10):execute('update t set x = 1')`, "database is locked"},
	{"vault", `kumo.secrets.load { vault_mount = 'secret', vault_path = 'p', vault_address = '%[2]s', vault_token = 'hunter2' }`, "Vault is sealed"},
	{"file", `kumo.json_load('%[1]s/vanished.json')`, "vanished.json"},
	{"exit", `os.exit(0)`, "a policy must not end the daemon"},
}

// TestMisbehavingPolicies: whatever a handler does costs its own client the login,
// is said in the log, and costs nobody else anything. What is put in the place of
// the policy in the meantime, and is none, changes nothing.
func TestMisbehavingPolicies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lockedDatabase(t, filepath.Join(dir, "users.db"))
	must(t, os.WriteFile(filepath.Join(dir, "helper.lua"), []byte("return {}"), 0o600))
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"errors":["Vault is sealed"]}`, http.StatusServiceUnavailable)
	}))
	defer vault.Close()
	policy := misbehavingPolicy(dir, vault.URL, freeAddress(t))
	e := startEdited(t, policy)
	for _, m := range misbehaviours {
		if got := login(t, e.socks(), m.user, "secret-of-the-client"); got != refused {
			t.Errorf("%s: got % x; want % x", m.user, got, refused)
		}
		await(t, m.user+": the log has "+m.said, func() bool { return e.log.contains(m.said) })
		if got := login(t, e.socks(), "good", "p"); got != loggedIn {
			t.Fatalf("after %s: got % x; want the next client let in", m.user, got)
		}
	}
	for name, text := range map[string]string{
		"zero bytes":    "",
		"binary":        "\x7fELF\x02\x01\x01\x00\x00",
		"compiled Lua":  "\x1bLua\x54\x00\x19\x93",
		"UTF-16":        "\xff\xfel\x00o\x00",
		"mistake":       policy + "local x = = 1",
		"needs a file":  policy + "require 'vanished'",
		"vault in init": policy + "kumo.secrets.load { vault_mount = 's', vault_path = 'p', vault_address = '" + vault.URL + "', vault_token = 'hunter2' }",
	} {
		e.reload(text, "failed")
		if got := login(t, e.socks(), "good", "p"); got != loggedIn {
			t.Errorf("after a reload of %s: got % x; want the policy before to go on", name, got)
		}
	}
	// A byte order mark and line ends of Windows are no mistakes.
	e.reload("\ufeff"+strings.ReplaceAll(policy, "\n", "\r\n")+"\r\n", "ok")
	// A required file that is gone is one, and the states that are built meanwhile
	// run what was loaded.
	must(t, os.Remove(filepath.Join(dir, "helper.lua")))
	e.reload(policy, "failed")
	if got := login(t, e.socks(), "bump", "p"); got != loggedIn {
		t.Errorf("after the required file was gone: got % x; want % x", got, loggedIn)
	}
	if got := login(t, e.socks(), "good", "p"); got != loggedIn {
		t.Errorf("in a state built after the file was gone: got % x; want % x", got, loggedIn)
	}
	for _, secret := range []string{"hunter2", "secret-of-the-client"} {
		if e.log.contains(secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	e.endWell()
}

func misbehavingPolicy(dir, vault, nobody string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package.path = %q\nlocal kumo, proxy = require 'kumo', require 'proxy'\nrequire 'helper'\nlocal bad = {}\n", dir+"/?.lua")
	for _, m := range misbehaviours {
		body := strings.NewReplacer("%[1]s", dir, "%[2]s", vault, "%[3]s", nobody).Replace(m.body)
		fmt.Fprintf(&b, "bad[%q] = function() %s end\n", m.user, body)
	}
	b.WriteString(`
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
kumo.on('proxy_server_auth_rfc1929', function(user, password)
  if user == 'bump' then kumo.bump_config_epoch() end
  if user == 'bump' or user == 'good' then return true end
  return bad[user]()
end)
`)
	return b.String()
}

// lockedDatabase makes a database that somebody else writes to for as long as the
// test runs.
func lockedDatabase(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"create table t (x)", "begin exclusive"} {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
}
