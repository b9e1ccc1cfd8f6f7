package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// insideNetwork is set for the test process that has a network of its own.
const insideNetwork = "TROUPE_TEST_NETWORK"

// onNetwork runs the test of this name once more, in a process whose network is
// empty, and passes its verdict on. It returns true in that process. Where a user
// may not have that, or there is no ip(8) to furnish it, the test is skipped.
func onNetwork(t *testing.T) bool {
	t.Helper()
	// A process dies with the thread that started it, and threads end here.
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	if os.Getenv(insideNetwork) != "" {
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skipf("the network of this test is set up by ip, of iproute2: %v", err)
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+(4*patience).String())
	cmd.Env = append(os.Environ(), insideNetwork+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("this user may not have a network namespace: %v", err)
	case err != nil:
		t.Errorf("%v; it said:\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("skipped, it said:\n%s", out)
	}
	return false
}

// otherHost is a second network, joined to that of this process by a cable.
type otherHost struct{ namespace *os.File }

const (
	ourAddress    = "10.77.0.1"
	neighbour     = "10.77.0.2"   // the other host, on the cable
	fromAbroad    = "203.0.113.9" // the other host again, behind no subnet of ours
	abroadNetwork = "203.0.113.0/24"
)

// plugIn makes the other host.
func plugIn(t *testing.T) *otherHost {
	t.Helper()
	h := &otherHost{}
	must(t, h.on(func() (err error) {
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			h.namespace, err = os.Open("/proc/thread-self/ns/net")
		}
		return err
	}))
	t.Cleanup(func() { _ = h.namespace.Close() })
	for _, line := range []string{
		"link set lo up",
		"link add cable type veth peer name cable netns /proc/self/fd/3",
		"address add " + ourAddress + "/24 dev cable",
		"link set cable up",
		"route add " + abroadNetwork + " via " + neighbour,
	} {
		if err := h.ip(line); err != nil {
			t.Skip(err)
		}
	}
	must(t, h.on(func() error {
		return errors.Join(h.ip("link set lo up"), h.ip("address add "+neighbour+"/24 dev cable"),
			h.ip("address add "+fromAbroad+"/32 dev lo"), h.ip("link set cable up"))
	}))
	return h
}

// ip runs ip(8) with the other host as its descriptor 3.
func (h *otherHost) ip(line string) error {
	cmd := exec.Command("ip", strings.Fields(line)...)
	cmd.ExtraFiles = []*os.File{h.namespace}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", line, err, out)
	}
	return nil
}

// on calls f on the other host. Sockets that are opened there stay there.
func (h *otherHost) on(f func() error) error {
	done := make(chan error)
	go h.runOn(f, done)
	return <-done
}

// runOn ends with its thread, which no other goroutine is to have.
func (h *otherHost) runOn(f func() error, done chan<- error) {
	runtime.LockOSThread()
	if h.namespace != nil {
		if err := unix.Setns(int(h.namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
	}
	done <- f()
}

// dial connects to the daemon from an address of the other host.
func (h *otherHost) dial(t *testing.T, from, proxy string) (c net.Conn, err error) {
	t.Helper()
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	err = h.on(func() (err error) {
		c, err = d.Dial("tcp", proxy)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() }) // may have been closed by the test
	return c, c.SetDeadline(time.Now().Add(patience))
}

// echo is an upstream on the other host.
func (h *otherHost) echo(t *testing.T) *echo {
	t.Helper()
	var l net.Listener
	must(t, h.on(func() (err error) {
		l, err = net.Listen("tcp", neighbour+":0")
		return err
	}))
	e := &echo{address: netip.MustParseAddrPort(l.Addr().String()), open: make(map[net.Conn]struct{})}
	e.sessions.Go(func() { e.accept(l) })
	t.Cleanup(func() {
		_ = l.Close() // its only purpose is to end accept
		e.closeAll()
		e.sessions.Wait()
	})
	return e
}
