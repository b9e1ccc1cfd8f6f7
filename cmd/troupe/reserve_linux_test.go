package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestReservedDescriptors: with as many sessions as the descriptors allow, there are
// some for whoever looks after the daemon: it tells its figures and takes another
// policy, with another listener.
func TestReservedDescriptors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(onePolicy), 0o600))
	d := launchCommand(t, exec.Command("sh", "-c", `ulimit -n 120 && exec troupe "$@"`, "troupe",
		"--proxy-config", path, "--drain-timeout=0"))
	d.awaitReady()
	echo := newEcho(t)
	const slots = (120 - 120/4) / 2
	var inside []net.Conn
	for range slots {
		c, _ := connect(t, d.socks(), echo.address)
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		must(t, c.SetDeadline(time.Time{}))
		inside = append(inside, c)
	}
	var others sync.WaitGroup
	for range 10 {
		others.Go(func() { wantClosed(t, d.socks()) })
	}
	others.Wait()
	d.awaitFigure(10, "proxy_session_failures_total", "listener", d.socks(), "reason", "no_resources", "fault", "proxy")
	if code, text := d.get("/proxy/status"); code != http.StatusServiceUnavailable || !strings.Contains(text, "no session slot is free") {
		t.Errorf("got %d %q; want it to say that no slot is free", code, text)
	}
	more := strings.Replace(onePolicy, "'proxy_init', function()", "'proxy_init', function()\n  proxy.start_proxy_listener { listen = '127.0.0.2:0' }", 1)
	must(t, os.WriteFile(path, []byte(more), 0o600))
	d.signal(syscall.SIGHUP)
	d.awaitFigure(1, "policy_reload_total", "result", "ok")
	if !strings.Contains(d.log.text(), "policy: + listener 127.0.0.2:") {
		t.Error("the other listener is not there")
	}
	for _, c := range inside {
		exchange(t, c, "echo", []byte("still"), []byte("still"))
		must(t, c.Close())
	}
	d.awaitFigure(0, "proxy_active_connections", "listener", d.socks())
	d.endWell()
}
