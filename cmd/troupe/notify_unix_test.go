//go:build unix

package main

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// awaitTold reads what the daemon tells its service manager until a datagram has a
// line, and returns the lines of that one.
func awaitTold(t *testing.T, socket *net.UnixConn, line string) []string {
	t.Helper()
	must(t, socket.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, 4096)
	for {
		n, err := socket.Read(b)
		if err != nil {
			t.Fatalf("waiting for %s: %v", line, err)
		}
		if lines := strings.Split(string(b[:n]), "\n"); slices.Contains(lines, line) {
			return lines
		}
	}
}

// TestServiceManager: it hears when the daemon serves, reloads, lives and ends.
func TestServiceManager(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	d := startPolicy(t, onePolicy, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=200000")
	awaitTold(t, socket, "READY=1")
	awaitTold(t, socket, "WATCHDOG=1")
	d.signal(syscall.SIGHUP)
	if lines := awaitTold(t, socket, "RELOADING=1"); !strings.Contains(strings.Join(lines, "\n"), "MONOTONIC_USEC=") {
		t.Errorf("got %q; want the time of the reload", lines)
	}
	awaitTold(t, socket, "READY=1")
	awaitTold(t, socket, "WATCHDOG=1")
	d.endWell()
	if lines := awaitTold(t, socket, "STOPPING=1"); !slices.Contains(lines, "EXTEND_TIMEOUT_USEC=30000000") {
		t.Errorf("got %q; want more time for the drain", lines)
	}
}
