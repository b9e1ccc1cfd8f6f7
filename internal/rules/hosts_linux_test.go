package rules

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace runs f where the network is its own, and skips the test if f finds
// that it cannot be made. The thread is never used again, so that nothing else
// ever runs there.
func inNamespace(t *testing.T, f func() error) {
	t.Helper()
	skip := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer close(skip)
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			skip <- err
			return
		}
		if err := f(); err != nil {
			skip <- err
		}
	}()
	if err := <-skip; err != nil {
		t.Skip("no network to be had: ", err)
	}
}

// TestLocalRoutes: a host that sends from whole networks has no address of its
// own for each of them, and yet what is sent there ends here.
func TestLocalRoutes(t *testing.T) {
	inNamespace(t, func() error {
		for _, command := range []string{
			"ip link set lo up",
			"ip route add local 203.0.113.0/24 dev lo",
			"ip -6 route add local 2001:db8:5::/64 dev lo",
			"ip address add 192.0.2.9/28 dev lo",
			"ip route add local 0.0.0.0/0 dev lo table 100", // as a transparent proxy has it
			"ip -6 route add local ::/0 dev lo table 100",
			"ip route add 198.51.100.0/24 dev lo",
		} {
			words := strings.Fields(command)
			if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %s", command, err, out)
			}
		}
		h, err := NewHosts(ReadHost, func(err error) { t.Errorf("reading failed: %v", err) })
		if err != nil {
			t.Error(err)
			return nil
		}
		for text, want := range map[string]bool{
			"203.0.113.200": true, "2001:db8:5::1234": true, "192.0.2.9": true, "::1": true, "127.0.0.1": true,
			"192.0.2.10":  true, // the loopback's subnet is all this host's
			"203.0.114.1": false, "2001:db8:6::1": false, "192.0.2.17": false, "198.51.100.1": false, "8.8.8.8": false, "2001:4860::1": false,
		} {
			if got := h.Local(addr(text)); got != want {
				t.Errorf("%s: got local %v; want %v", text, got, want)
			}
		}
		return nil
	})
}

// TestReady: an address that is being probed for duplicates cannot be bound, nor one
// that is a duplicate, nor the broadcast address of a subnet.
func TestReady(t *testing.T) {
	inNamespace(t, func() error {
		for _, command := range []string{
			"ip link set lo up",
			"ip link add one type veth peer name two",
			"ip link set one up", // and no carrier: nobody can answer the probe
			"ip address add 192.0.2.9/28 dev one",
			"ip -6 address add 2001:db8:5::1/64 dev one",
			"ip -6 address add 2001:db8:5::2/64 dev one nodad",
			"ip route add local 203.0.113.0/24 dev lo",
			"ip -6 route add local 2001:db8:6::/64 dev lo",
		} {
			words := strings.Fields(command)
			if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %s", command, err, out)
			}
		}
		h, err := NewHosts(ReadHost, func(err error) { t.Errorf("reading failed: %v", err) })
		if err != nil {
			t.Error(err)
			return nil
		}
		for text, want := range map[string]bool{
			"192.0.2.9": true, "2001:db8:5::2": true, "203.0.113.200": true, "127.0.0.2": true, "::1": true,
			"2001:db8:5::1": false, "192.0.2.15": false, "192.0.2.10": false, "2001:db8:6::7": false, "198.51.100.1": false,
		} {
			if plumbed, known := h.Plumbed(addr(text)); plumbed != want || !known {
				t.Errorf("%s: got plumbed %v, known %v; want %v and known", text, plumbed, known, want)
			}
		}
		return nil
	})
}
