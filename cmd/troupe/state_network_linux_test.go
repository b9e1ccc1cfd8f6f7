package main

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ownDisk is a directory on a file system of its own, which nobody sees but this test
// and what it starts. It is to be called by the goroutine that starts programs.
func ownDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Skipf("this user may not have a namespace for mounts: %v", err)
	}
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// fill leaves no room for another byte.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	must(t, err)
	defer f.Close()
	page := bytes.Repeat([]byte{'x'}, 4<<10)
	for err == nil {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill: %v; want no space left", err)
	}
}

func makeReadOnly(t *testing.T, dir string) {
	t.Helper()
	must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
}

// TestStateIsFull and TestStateIsReadOnly: what was decided before is kept, and what
// is decided then holds as long as the daemon does, through reloads and hand-overs.
func TestStateIsFull(t *testing.T)     { withoutState(t, fill) }
func TestStateIsReadOnly(t *testing.T) { withoutState(t, makeReadOnly) }

func withoutState(t *testing.T, spoil func(t *testing.T, dir string)) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	ipBatch(t, "link set lo up")
	dir := ownDisk(t)
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(policyOf(anyPort)), 0o600))
	begin := func() *dynasty {
		t.Helper()
		return startDynastyBy(t, exec.Command("troupe", "--drain-timeout=5m", "--proxy-config", path, "--state-dir", dir))
	}
	y := begin()
	held := func(when string, kept, unkept byte) {
		t.Helper()
		for source, want := range map[string]byte{"127.0.0.2": kept, "127.0.0.3": unkept, "127.0.0.4": 0} {
			if got := bindCode(t, y.socks(), source); got != want {
				t.Errorf("%s: BIND of %s is answered %d; want %d", when, source, got, want)
			}
		}
	}
	y.troupe("source", "pause", "127.0.0.2")
	spoil(t, dir)
	if said := y.troupe("source", "pause", "127.0.0.3"); !strings.Contains(said, "it holds until the next start only") {
		t.Errorf("troupe said %q; want that it is not kept", said)
	}
	await(t, "the log to say so", func() bool { return y.log.contains("what was decided about sources is not kept") })
	held("paused", 1, 1)

	must(t, os.WriteFile(path, []byte(policyOf(anyPort+", timeout = '30s'")), 0o600))
	y.control("POST", "reload", "", 200, nil)
	held("reloaded", 1, 1)
	y.upgrade()
	held("handed over", 1, 1)
	if status, body := y.get("/proxy/status"); status != 200 {
		t.Errorf("/proxy/status: got %d %s; want 200", status, body)
	}
	y.endOrderly()

	y = begin()
	held("started again", 1, 0)
	y.endOrderly()
}

// bindCode is what a BIND is answered.
func bindCode(t *testing.T, listener, source string) byte {
	t.Helper()
	c := dial(t, listener)
	defer c.Close()
	exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	_, err := c.Write(append([]byte{5, 2, 0}, wireAddress(netip.AddrPortFrom(netip.MustParseAddr(source), 0))...))
	must(t, err)
	reply := make([]byte, 10)
	_, err = io.ReadFull(c, reply)
	must(t, err)
	return reply[1]
}
