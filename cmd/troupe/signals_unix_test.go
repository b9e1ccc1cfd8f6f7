//go:build unix

package main

import (
	"io"
	"strings"
	"syscall"
	"testing"
)

// TestUpstreamHarness starts and stops the daemon as KumoMTA's integration tests
// do with their proxy-server: with its flags and its log filter, by SIGINT.
func TestUpstreamHarness(t *testing.T) {
	t.Parallel()
	d := start(t, []string{"--listen", "127.0.0.1:0", "--timeout-seconds", "30", "--no-splice"},
		"KUMO_PROXY_LOG=proxy_server=trace,kumo_server_common=info,kumo_server_runtime=info")
	echo := newEcho(t)
	c, _ := connect(t, d.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	must(t, c.Close())
	if code := d.end(syscall.SIGINT); code != exitOK {
		t.Errorf("got exit code %d; want %d", code, exitOK)
	}
	if !d.log.contains("Shutdown completed OK!") {
		t.Error("the log does not say how the shutdown went")
	}
}

// TestShutdownEndsSessions: one in the handshake, and one that relays.
func TestShutdownEndsSessions(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			d, echo := startPolicy(t, onePolicy), newEcho(t)
			relaying, _ := connect(t, d.socks(), echo.address)
			exchange(t, relaying, "echo", []byte("hello"), []byte("hello"))
			greeted := dial(t, d.socks())
			exchange(t, greeted, "greeting", []byte(greeting), []byte(accepted))

			if code := d.end(s); code != exitOK {
				t.Errorf("got exit code %d; want %d", code, exitOK)
			}
			if n, err := io.Copy(io.Discard, relaying); n > 0 {
				t.Errorf("the session went on by %d bytes, error %v", n, err)
			}
			if n := strings.Count(d.log.text(), "reason=shutdown"); n != 2 {
				t.Errorf("the log has %d sessions cut by the shutdown; want 2", n)
			}
		})
	}
}

// TestSignalsThatDoNotEnd: by default each of these would.
func TestSignalsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	d, echo := startPolicy(t, onePolicy), newEcho(t)
	open, _ := connect(t, d.socks(), echo.address)
	for s, name := range map[syscall.Signal]string{
		syscall.SIGHUP: "hangup", syscall.SIGUSR1: "user defined signal 1",
	} {
		d.signal(s)
		await(t, "the log names "+name, func() bool { return d.log.contains(name) })
		exchange(t, open, "echo on an old session", []byte("hello"), []byte("hello"))
		c, _ := connect(t, d.socks(), echo.address)
		exchange(t, c, "echo on a new one", []byte("hello"), []byte("hello"))
	}
	d.endWell()
}
