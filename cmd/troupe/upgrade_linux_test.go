package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// TestUpgradeKeeps: what has to go over does: what is drained, the log filter, the
// Unix socket with its file. A second upgrade waits for the end of the first.
func TestUpgradeKeeps(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "upg")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	admin, drained, echo := filepath.Join(dir, "admin.sock"), freeAddress(t), newEcho(t)
	policy := strings.Replace(policyOf(anyPort, "listen = '"+drained+"'"), "\nend)",
		"\n  proxy.start_http_listener { listen = 'unix:"+admin+"' }\nend)", 1)
	y := startDynasty(t, policy)
	proxy := slices.DeleteFunc(y.log.addresses("proxy listener"), func(a string) bool { return a == drained })[0]
	y.control("POST", "drain", `{"listener":"`+drained+`"}`, 200, nil)
	y.control("POST", "set_diagnostic_log_filter/v1", `{"filter":"info,lua=trace"}`, 200, nil)
	held, _ := connect(t, proxy, echo.address)
	exchange(t, held, "echo", []byte("hello"), []byte("hello"))

	if done := y.upgrade(); done.Sessions != 1 {
		t.Errorf("got %+v; want a session left", done)
	}
	wantRefused(t, drained)
	if status, body := overUnix(t, admin, "/readyz"); status != 503 || !strings.Contains(body, drained) {
		t.Errorf("/readyz: got %d %q; want 503, since %s is drained", status, body, drained)
	}
	if _, err := y.try(); err == nil || !strings.Contains(err.Error(), "exit code 1") || !strings.Contains(err.Error(), "may be one such") {
		t.Errorf("a second upgrade: got %v; want it refused", err)
	}
	if old, own := y.processes(); old != 1 || own != 0 {
		t.Errorf("got %d sessions of the old process and %d of the new one; want 1 and 0", old, own)
	}
	exchange(t, held, "echo", []byte("hello"), []byte("hello"))
	must(t, held.Close())
	await(t, "the old process ends", func() bool { return y.log.contains("the old process has ended") })

	y.upgrade()
	y.control("DELETE", "drain?listener="+drained, "", 200, nil)
	for _, address := range []string{proxy, drained} {
		c, _ := connect(t, address, echo.address)
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		must(t, c.Close())
	}
	if status, _ := overUnix(t, admin, "/readyz"); status != 200 {
		t.Errorf("/readyz: got %d; want 200", status)
	}
	_, page := y.get("/ui/log")
	if !strings.Contains(page, "info,lua=trace") {
		t.Error("the log filter is not the one that was set")
	}
	y.endOrderly()
	if _, err := os.Lstat(admin); err == nil {
		t.Error("the Unix socket is there after the end")
	}
}

// TestUpgradeOldProcess: the sessions of the old process can be ended one by one and
// by a drain's limit, and when it dies, what it had counted stays.
func TestUpgradeOldProcess(t *testing.T) {
	t.Parallel()
	y, echo := startDynasty(t, onePolicy), newEcho(t)
	var sessions []net.Conn
	for range 4 {
		c, _ := connect(t, y.socks(), echo.address)
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		sessions = append(sessions, c)
	}
	old := y.pid
	must(t, syscall.Kill(old, syscall.SIGUSR2))
	await(t, "the upgrade", func() bool { return y.log.contains("taken over old_pid=") })
	y.awaitFigure(4, "proxy_active_connections", "listener", y.socks())
	y.findSuccessor(old)

	var list adminclient.Sessions
	y.control("GET", "sessions", "", 200, &list)
	y.control("DELETE", "sessions/"+list.Sessions[0].ID, "", 200, nil)
	y.awaitFigure(3, "proxy_active_connections", "listener", y.socks())
	y.control("POST", "drain", `{"limit":"3600"}`, 200, nil)
	y.control("DELETE", "drain", "", 200, nil)
	c, _ := connect(t, y.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	y.awaitFigure(4, "proxy_active_connections", "listener", y.socks())
	var down float64
	await(t, "the bytes are counted", func() bool {
		down = y.scrape().value("proxy_bytes_sent_total", "listener", y.socks())
		return down == 5*5
	})
	must(t, syscall.Kill(old, syscall.SIGKILL))
	await(t, "its death is noticed", func() bool { return y.log.contains("has not told its last figures") })
	y.awaitFigure(1, "proxy_active_connections", "listener", y.socks())
	now := y.scrape()
	for name, want := range map[string]float64{
		"proxy_bytes_sent_total": down, "proxy_connections_accepted_total": 5, "proxy_connections_failed_total": 1,
	} {
		if got := now.value(name, "listener", y.socks()); got != want {
			t.Errorf("%s: got %v; want %v", name, got, want)
		}
	}
	if old, own := y.processes(); old != 0 || own != 1 {
		t.Errorf("got %d sessions of the old process and %d of the new one; want 0 and 1", old, own)
	}
	must(t, c.Close())
	for _, c := range sessions {
		_ = c.Close()
	}
	y.upgrade()
	y.endOrderly()
}

// findSuccessor is for an upgrade that a signal has brought about.
func (y *dynasty) findSuccessor(old int) {
	y.t.Helper()
	all := children(y.t, old)
	if len(all) != 1 {
		y.t.Fatalf("got processes %v; want one", all)
	}
	var err error
	y.pid, err = strconv.Atoi(all[0])
	must(y.t, err)
}

// TestUpgradeNewProcessDies: the old one ends with its sessions all the same.
func TestUpgradeNewProcessDies(t *testing.T) {
	t.Parallel()
	y, echo := startDynasty(t, onePolicy), newEcho(t)
	c, _ := connect(t, y.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	old := y.pid
	y.upgrade()
	must(t, syscall.Kill(y.pid, syscall.SIGKILL))
	await(t, "its death is noticed", func() bool { return y.log.contains("does not hear of the sessions") })
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	must(t, c.Close())
	y.stopped = true
	if !y.awaitExit(patience) {
		t.Fatalf("process %d goes on without sessions", old)
	}
	if code := y.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("got exit code %d; want 0", code)
	}
}

// TestUpgradeAbandoned: a successor that cannot take over is abandoned, and nothing
// has changed.
func TestUpgradeAbandoned(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, script, policy, want string
	}{
		{"no program", "\x00", "", "exec format error"},
		{"ends at once", "#!/bin/sh\nexit 7\n", "", "exit status 7"},
		{"says nothing", "#!/bin/sh\nexec sleep 1000\n", "", "has not said that it is prepared"},
		{"says garbage", "#!/bin/sh\necho garbage of some length >&3\nexec sleep 1000\n", "", "no message"},
		{"policy", "", "nonsense(", "the new process refused: "},
		{"other listeners", "", policyOf("listen = '203.0.113.9:1'"), "the new process refused: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			y, echo, replace := startReplaceable(t), newEcho(t), replaceFile
			held, _ := connect(t, y.socks(), echo.address)
			exchange(t, held, "echo", []byte("hello"), []byte("hello"))
			if tt.script != "" {
				replace(t, y.cmd.Path, tt.script)
			} else {
				replace(t, y.cmd.Args[len(y.cmd.Args)-1], tt.policy)
			}
			var before []string
			for range 2 {
				if _, err := y.try(); err == nil || !strings.Contains(err.Error(), "exit code 1") || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v; want exit code 1 and %q", err, tt.want)
				}
				if before == nil { // all that is opened once is there now
					before = descriptors(t, y.pid)
				}
			}
			if got := children(t, y.pid); len(got) != 0 {
				t.Errorf("processes %v are there still", got)
			}
			exchange(t, held, "echo", []byte("hello"), []byte("hello"))
			c, _ := connect(t, y.socks(), echo.address)
			exchange(t, c, "echo", []byte("hello"), []byte("hello"))
			must(t, c.Close())
			y.awaitFigure(1, "proxy_active_connections", "listener", y.socks())
			var after []string
			defer func() {
				if t.Failed() {
					t.Logf("descriptors before: %v\nafter: %v", before, after)
				}
			}()
			await(t, "its descriptors are closed", func() bool {
				after = descriptors(t, y.pid)
				return countSockets(after) <= countSockets(before) // a loop keeps a pipe for the next long message
			})
			must(t, held.Close())
			y.endOrderly()
		})
	}
}

// TestUpgradeEndsBySignal: a daemon that was told to end while it upgraded ended, and
// the process that it had started served on: nobody had told that one.
func TestUpgradeEndsBySignal(t *testing.T) {
	t.Parallel()
	y := startDynasty(t, onePolicy)
	slow := strings.Replace(onePolicy, "proxy.start_proxy_listener", "kumo.sleep(8)\n  proxy.start_proxy_listener", 1)
	if slow == onePolicy {
		t.Fatalf("got %q; want a policy with a listener", onePolicy)
	}
	replaceFile(t, y.cmd.Args[len(y.cmd.Args)-1], slow)
	must(t, syscall.Kill(y.pid, syscall.SIGUSR2))
	await(t, "the new process", func() bool { return len(children(t, y.pid)) > 0 })
	y.endOrderly()
	if said := y.log.text(); strings.Contains(said, "taken over") {
		t.Errorf("a process took over from one that was to end; the log:\n%s", said)
	}
}

// startReplaceable starts a daemon whose program and policy are files that the test
// may replace.
func startReplaceable(t *testing.T) *dynasty {
	t.Helper()
	installed, err := exec.LookPath("troupe")
	must(t, err)
	installed, err = filepath.EvalSymlinks(installed)
	must(t, err)
	dir := t.TempDir()
	program, policy := filepath.Join(dir, "troupe"), filepath.Join(dir, "policy.lua")
	must(t, os.Symlink(installed, program))
	must(t, os.WriteFile(policy, []byte(onePolicy), 0o600))
	cmd := exec.Command(program, "--drain-timeout=5m", "--upgrade-timeout=3s", "--proxy-config", policy)
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")} // the tests' main calls itself by its name alone
	return startDynastyBy(t, cmd)
}

func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".new"
	must(t, os.WriteFile(next, []byte(text), 0o700))
	must(t, os.Rename(next, path))
}

// TestUpgradeIfRunning: without a daemon there is nothing to do.
func TestUpgradeIfRunning(t *testing.T) {
	t.Parallel()
	nobody := "http://" + freeAddress(t)
	for _, tt := range []struct {
		args []string
		code int
	}{{[]string{"--if-running"}, exitOK}, {nil, exitUnreachable}} {
		cmd := exec.Command("troupe", append([]string{"upgrade", "--endpoint", nobody}, tt.args...)...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != tt.code || tt.code == exitOK && len(out) > 0 {
			t.Errorf("%v: got exit code %d and %q; want %d", tt.args, code, out, tt.code)
		}
	}
}
