package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// launchFailing starts a daemon in each of whose threads some calls of accept4(2) fail.
// Nobody could bring that about at will: strace(1) has the system answer so.
func launchFailing(t *testing.T, errno string) *daemon {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skipf("strace is not installed: %v", err)
	}
	program, err := exec.LookPath("troupe")
	must(t, err)
	inject := []string{"-D", "-f", "-qq", "-o", os.DevNull, "-e", "trace=accept4", "-e", "inject=accept4:error=" + errno + ":when=2..3"}
	if out, err := exec.Command(strace, append(inject, "true")...).CombinedOutput(); err != nil {
		t.Skipf("strace may not be used: %v: %s", err, out)
	}
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(onePolicy), 0o600))
	d := launchCommand(t, exec.Command(strace, append(inject, program, "--drain-timeout=0", "--proxy-config", path)...))
	d.awaitReady()
	return d
}

// TestAcceptFails: for whatever reason no client can be taken, nobody is refused or
// closed, and the acceptor goes on: a client that has gone meanwhile is passed by, and
// means that are missing are waited for.
func TestAcceptFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		errno string
		waits bool
	}{{"ENFILE", true}, {"EMFILE", true}, {"ENOBUFS", true}, {"ENOMEM", true}, {"ECONNABORTED", false}, {"EPROTO", false}} {
		t.Run(tt.errno, func(t *testing.T) {
			t.Parallel()
			c := chaosOf(t, launchFailing(t, tt.errno))
			for range 100 {
				conn := dial(t, c.socks())
				exchange(t, conn, "greeting", []byte{5, 1, 0}, []byte{5, 0})
				must(t, conn.Close())
			}
			if waited := c.lines("accepting is held back") > 0; waited != tt.waits {
				t.Errorf("accepting was held back: %v; want %v", waited, tt.waits)
			}
			now := c.scrape()
			restarts := now.value("proxy_acceptor_restarts_total", "listener", c.socks())
			closed := now.value("proxy_session_failures_total", "listener", c.socks(), "reason", "no_resources", "fault", "proxy")
			if restarts+closed != 0 {
				t.Errorf("the acceptor was restarted %v times and closed %v clients; want neither", restarts, closed)
			}
			c.over()
		})
	}
}
