package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
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
	inject := []string{"-D", "-f", "-qq", "-o", os.DevNull, "-e", "trace=accept4", "-e", "inject=accept4:error=" + errno + ":when=2..4"}
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
	var tried, held atomic.Int64
	t.Run("errno", func(t *testing.T) {
		for _, tt := range []struct {
			errno string
			waits bool
		}{{"ENFILE", true}, {"EMFILE", true}, {"ENOBUFS", true}, {"ENOMEM", true}, {"ECONNABORTED", false}, {"EPROTO", false}} {
			t.Run(tt.errno, func(t *testing.T) {
				t.Parallel()
				waited := acceptsFail(t, tt.errno)
				tried.Add(1)
				if waited && !tt.waits {
					t.Error("accepting was held back; want it not to be")
				} else if waited {
					held.Add(1)
				}
			})
		}
	})
	// An acceptor that fails tries again at once in another thread, which may be well:
	// it does not wait each time.
	if tried.Load() > 0 && held.Load() == 0 {
		t.Error("accepting was never held back; want it to be, when means are missing")
	}
}

// acceptsFail has a hundred clients come while accepts fail, and says whether accepting
// was held back.
func acceptsFail(t *testing.T, errno string) (waited bool) {
	t.Helper()
	c := chaosOf(t, launchFailing(t, errno))
	for range 100 {
		conn := dial(t, c.socks())
		exchange(t, conn, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		must(t, conn.Close())
	}
	now := c.scrape()
	restarts := now.value("proxy_acceptor_restarts_total", "listener", c.socks())
	closed := now.value("proxy_session_failures_total", "listener", c.socks(), "reason", "no_resources", "fault", "proxy")
	if restarts+closed != 0 {
		t.Errorf("the acceptor was restarted %v times and closed %v clients; want neither", restarts, closed)
	}
	waited = c.lines("accepting is held back") > 0
	c.over()
	return waited
}
