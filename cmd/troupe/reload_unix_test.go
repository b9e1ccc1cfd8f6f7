//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// edited is a daemon whose policy file the test changes.
type edited struct {
	*daemon
	path string
}

func startEdited(t *testing.T, policy string, args ...string) *edited {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(policy), 0o600))
	return &edited{start(t, append([]string{"--proxy-config", path}, args...)), path}
}

// reload replaces the policy and waits until the daemon has counted a result.
func (e *edited) reload(policy, result string) {
	e.t.Helper()
	must(e.t, os.WriteFile(e.path, []byte(policy), 0o600))
	before := e.scrape().value("policy_reload_total", "result", result)
	e.signal(syscall.SIGHUP)
	e.awaitFigure(before+1, "policy_reload_total", "result", result)
}

// policyOf is onePolicy with these SOCKS listeners instead, each given as the
// inside of its table.
func policyOf(listeners ...string) string {
	var b strings.Builder
	for _, l := range listeners {
		fmt.Fprintf(&b, "  proxy.start_proxy_listener { %s }\n", l)
	}
	return strings.Replace(onePolicy, "  proxy.start_proxy_listener { listen = '127.0.0.1:0' }\n", b.String(), 1)
}

const anyPort = "listen = '127.0.0.1:0'"

func wantRefused(t *testing.T, address string) {
	t.Helper()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Errorf("%s takes clients; want it closed", address)
	}
}

// TestReload: the listeners become what the file says, and sessions stay.
func TestReload(t *testing.T) {
	t.Parallel()
	e, echo := startEdited(t, policyOf(anyPort)), newEcho(t)
	first, second := e.socks(), freeAddress(t)
	open, _ := connect(t, first, echo.address)
	alive := func() {
		t.Helper()
		exchange(t, open, "echo on the old session", []byte("hello"), []byte("hello"))
	}

	e.reload(policyOf(anyPort+", require_auth = true", "listen = '"+second+"'"), "ok")
	for _, line := range []string{
		"policy: + listener " + second, "policy: ~ listener " + first + " require_auth false → true", "policy: = 1 listener unchanged",
	} {
		await(t, "the log has "+line, func() bool { return e.log.contains(line) })
	}
	alive()
	exchange(t, dial(t, first), "greeting", []byte{5, 1, 0}, []byte{5, 0xff})
	c, _ := connect(t, second, echo.address)
	must(t, c.Close())

	e.reload(policyOf("listen = '"+second+"'"), "ok")
	wantRefused(t, first)
	alive()
	if status, body := e.get("/proxy/status"); status != 200 {
		t.Errorf("/proxy/status: got %d %q; want 200: nobody expects a removed listener to accept", status, body)
	}
	e.reload(policyOf("listen = '"+first+"'", "listen = '"+second+"'"), "ok")
	alive()
	c, _ = connect(t, first, echo.address)
	must(t, c.Close())
	must(t, open.Close())
	e.awaitFigure(2, "proxy_connections_completed_total", "listener", first)
	e.reload(policyOf("listen = '"+first+"'", "listen = '"+second+"'"), "unchanged")
	e.endWell()
}

// TestReloadBroken: what cannot be served changes nothing, and is said once.
func TestReloadBroken(t *testing.T) {
	t.Parallel()
	e, echo := startEdited(t, policyOf(anyPort)), newEcho(t)
	loaded := e.scrape().value("policy_loaded_timestamp_seconds")
	for _, tc := range []struct{ policy, want string }{
		{policyOf("listen = '127.0.0.1:0', timeut = '5s'"), "policy.lua:5: proxy.start_proxy_listener: unknown key 'timeut'"},
		{"local kumo", "no proxy listener"},
		{policyOf(anyPort, "listen = '"+e.http()+"'"), "listen on " + e.http()},
		{policyOf(anyPort, "listen = '"+echo.address.String()+"'"), "listen on " + echo.address.String()},
		{policyOf("listen = '127.0.0.1:0', use_tls = true, tls_certificate = 'none.pem', tls_private_key = 'none.key'"), "file 'none.pem'"},
	} {
		e.reload(tc.policy, "failed")
		await(t, "the log has "+tc.want, func() bool {
			return e.log.contains("the policy is not reloaded, the one before goes on") && e.log.contains(tc.want)
		})
		c, _ := connect(t, e.socks(), echo.address)
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		must(t, c.Close())
	}
	must(t, os.Remove(e.path))
	e.signal(syscall.SIGHUP)
	await(t, "the missing file is named", func() bool { return e.log.contains("no such file") })
	if now := e.scrape().value("policy_loaded_timestamp_seconds"); now != loaded {
		t.Errorf("the policy was loaded at %v by the figures; want %v still", now, loaded)
	}
	e.reload(policyOf(anyPort), "unchanged")
	e.endWell()
}

// TestReloadTransport: what the sockets themselves have to be told reaches new
// sessions of a listener that stays, and nobody is refused meanwhile.
func TestReloadTransport(t *testing.T) {
	t.Parallel()
	e, echo := startEdited(t, policyOf(anyPort)), newEcho(t)
	open, _ := connect(t, e.socks(), echo.address)
	must(t, os.WriteFile(e.path, []byte(policyOf(anyPort+", use_splice = false")), 0o600))
	e.signal(syscall.SIGHUP)
	await(t, "the reload", func() bool { return e.log.contains("policy reloaded") || e.log.contains("is not reloaded") })
	if e.log.contains("only by a restart") {
		t.Skip("this transport cannot change how a socket is served")
	}
	stream := startStream(t, e.socks())
	for _, parameter := range []string{"use_tls = true", "tcp_keepalive = { enabled = false }", "use_tls = true, timeout = '20s'", "use_splice = false"} {
		e.reload(policyOf(anyPort+", "+parameter), "ok")
		if strings.HasPrefix(parameter, "use_tls") {
			c, _ := connectTLS(t, e.socks(), anyCertificate(), echo.address)
			exchange(t, c, "echo over TLS", []byte("hello"), []byte("hello"))
			must(t, c.Close())
		} else {
			c, _ := connect(t, e.socks(), echo.address)
			exchange(t, c, "echo", []byte("hello"), []byte("hello"))
			must(t, c.Close())
		}
		exchange(t, open, "echo on the old session", []byte("hello"), []byte("hello"))
	}
	stream.end(t)
	e.endWell()
}

// TestReloadHangs: a policy that does not end keeps nobody from being served, nor
// the daemon from ending.
func TestReloadHangs(t *testing.T) {
	t.Parallel()
	e, echo := startEdited(t, policyOf(anyPort)), newEcho(t)
	must(t, os.WriteFile(e.path, []byte("while true do end"), 0o600))
	e.signal(syscall.SIGHUP)
	await(t, "the reload begins", func() bool { return e.log.contains("reloading the policy") })
	for range 20 {
		e.signal(syscall.SIGHUP)
	}
	c, _ := connect(t, e.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	e.signal(syscall.SIGUSR1)
	await(t, "signals are heard", func() bool { return e.log.contains("user defined signal 1") })
	e.endWell()
	if e.log.contains("the policy is not reloaded, the one before goes on") {
		t.Error("the load is said to have failed; it was given up for the shutdown")
	}
}

// TestStartHangs: a policy that never ends, and cannot be ended, does not keep the
// daemon from ending.
func TestStartHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600)) // opening it waits for somebody to write
	path := filepath.Join(dir, "policy.lua")
	must(t, os.WriteFile(path, fmt.Appendf(nil, "io.open(%q)", pipe), 0o600))
	d := launch(t, []string{"--proxy-config", path})
	await(t, "the start begins", func() bool { return d.log.contains("Version is") })
	d.endWell()
}

// TestReloadByItself: files that the policy names are watched.
func TestReloadByItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.lua")
	write := func(listener string) {
		t.Helper()
		text := strings.Replace(policyOf(listener), "kumo.on(", fmt.Sprintf("kumo.set_config_monitor_globs { %q }\nkumo.on(", dir+"/*.lua"), 1)
		must(t, os.WriteFile(path+".new", []byte(text), 0o600))
		must(t, os.Rename(path+".new", path)) // as editors do
	}
	write(anyPort)
	d := start(t, []string{"--proxy-config", path})
	write(anyPort + ", timeout = '30s'")
	await(t, "the reload", func() bool { return d.log.contains("timeout 1m → 30s") })
	if !d.log.contains("its files have changed") {
		t.Error("the log does not say why it was reloaded")
	}
	// A policy that names no files any more is left alone.
	must(t, os.WriteFile(path, []byte(policyOf(anyPort)), 0o600))
	d.awaitFigure(2, "policy_reload_total", "result", "ok")
	d.endWell()
}

// state is the kept policy of a state directory.
func state(dir string) string { return filepath.Join(dir, "last-policy.json") }

// TestFallback: a broken file is no reason not to start when a good policy was
// served before.
func TestFallback(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	e, echo := startEdited(t, policyOf(anyPort+", timeout = '7s'"), "--state-dir", dir), newEcho(t)
	args := []string{"--proxy-config", e.path, "--state-dir", dir}
	if info, err := os.Stat(state(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the kept policy: got %v, error %v; want it readable to its owner alone", info, err)
	}
	if got := e.scrape().value("policy_fallback"); got != 0 {
		t.Errorf("policy_fallback is %v; want 0", got)
	}
	e.reload("nonsense", "failed") // is not kept
	e.endWell()

	d := &edited{start(t, args), e.path}
	if got := d.scrape().value("policy_fallback"); got != 1 {
		t.Errorf("policy_fallback is %v; want 1", got)
	}
	for _, want := range []string{" ERROR ", e.path, state(dir), "syntax error"} {
		if !d.log.contains(want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	c, _ := connect(t, d.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	must(t, c.Close())
	d.reload("nonsense still", "failed")
	d.reload(policyOf(anyPort+", timeout = '7s'"), "ok") // what is served is the file's again
	if got := d.scrape().value("policy_fallback"); got != 0 {
		t.Errorf("policy_fallback is %v once the file is mended; want 0", got)
	}
	d.endWell()

	must(t, os.Remove(e.path))
	refused := func(want string, args ...string) {
		t.Helper()
		d := launch(t, args)
		d.stopped = true
		if !d.awaitExit(patience) || d.cmd.ProcessState.ExitCode() != 1 || !d.log.contains(want) {
			t.Errorf("got %v; want exit code 1 and %q; it said:\n%s", d.cmd.ProcessState, want, d.log.text())
		}
	}
	refused("no such file", append(args, "--strict")...)
	start(t, args).endWell() // gone is as good as broken
	text, err := os.ReadFile(state(dir))
	must(t, err)
	must(t, os.WriteFile(state(dir), text[:len(text)/2], 0o600))
	refused("damaged", args...)
	must(t, os.Remove(state(dir)))
	refused("no such file", args...)
}

// TestFallbackFromNothing: a file that was cut short to nothing is a policy that
// serves nobody. A start with it was content, and kept it in place of the last
// good one.
func TestFallbackFromNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	e, echo := startEdited(t, policyOf(anyPort), "--state-dir", dir), newEcho(t)
	e.endWell()
	t.Chdir(filepath.Dir(e.path)) // the same file, by another name
	args := []string{"--proxy-config", filepath.Base(e.path), "--state-dir", dir}
	for _, text := range []string{"", "-- nothing yet"} {
		must(t, os.WriteFile(e.path, []byte(text), 0o600))
		d := start(t, args)
		if got := d.scrape().value("policy_fallback"); got != 1 {
			t.Errorf("policy_fallback is %v after a start with %q; want 1", got, text)
		}
		c, _ := connect(t, d.socks(), echo.address)
		must(t, c.Close())
		d.endWell()
	}
	// Where nothing was kept it idles, as KumoMTA does.
	d := start(t, []string{"--proxy-config", e.path, "--state-dir", t.TempDir()})
	if !d.log.contains("nobody will be served") {
		t.Error("the log does not say that nobody is served")
	}
	d.endWell()
}

// TestFallbackOfSystemd: the directory is the service manager's.
func TestFallbackOfSystemd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startPolicy(t, onePolicy, "STATE_DIRECTORY="+dir+":/nowhere").endWell()
	if _, err := os.Stat(state(dir)); err != nil {
		t.Errorf("nothing is kept: %v", err)
	}
	// Nothing else is kept: of the built-in policy there is always one.
	other := t.TempDir()
	start(t, []string{"--listen", "127.0.0.1:0"}, "STATE_DIRECTORY="+other).endWell()
	if files, err := os.ReadDir(other); err != nil || len(files) > 0 {
		t.Errorf("got %v, error %v; want nothing kept", files, err)
	}
	// A place where nothing can be kept is no reason not to serve.
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	d := startPolicy(t, onePolicy, "STATE_DIRECTORY="+file+"/state")
	if !d.log.contains("no policy is kept") {
		t.Error("the log does not say that nothing is kept")
	}
	d.endWell()
}

// stream connects over and over.
type stream struct {
	stop   chan struct{}
	errors chan error
	served int
}

// startStream connects to the address until end; none may be refused.
func startStream(t *testing.T, address string) *stream {
	t.Helper()
	s := &stream{stop: make(chan struct{}), errors: make(chan error, 1)}
	go s.run(address)
	return s
}

func (s *stream) run(address string) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			s.errors <- nil
			return
		case <-tick.C:
		}
		c, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			s.errors <- fmt.Errorf("connect %d: %w", s.served, err)
			return
		}
		s.served++
		_ = c.Close()
	}
}

// end fails the test if anybody was refused.
func (s *stream) end(t *testing.T) int {
	t.Helper()
	close(s.stop)
	must(t, <-s.errors)
	return s.served
}
