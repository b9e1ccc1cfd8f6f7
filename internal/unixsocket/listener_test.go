//go:build unix

package unixsocket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a path in a directory of its own whose name is short enough.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "sock")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "admin.sock")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustListen(t *testing.T, path string, p Permission) *Listener {
	t.Helper()
	l, err := Listen(path, p)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// wantAlone fails if there is anything but the socket in its directory.
func wantAlone(t *testing.T, path string, want int) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(entries) != want {
		t.Errorf("got %v in the directory; want %d files", entries, want)
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if got := info.Mode(); got != want|fs.ModeSocket {
		t.Errorf("got mode %v; want a socket with %v", got, want)
	}
}

// TestListen: connections come through, with the mode whatever the umask is.
func TestListen(t *testing.T) {
	for _, mode := range []fs.FileMode{0o660, 0o666, 0o600} {
		path := place(t)
		l := mustListen(t, path, Permission{Mode: mode})
		wantMode(t, path, mode)
		wantAlone(t, path, 1)
		if got := l.Addr().String(); got != path || l.Addr().Network() != "unix" {
			t.Errorf("got address %q; want %q", got, path)
		}
		c, err := net.Dial("unix", path)
		must(t, err)
		accepted, err := l.Accept()
		must(t, err)
		must(t, accepted.Close())
		must(t, c.Close())
		must(t, l.Close())
		wantAlone(t, path, 0)
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closing again: got %v; want net.ErrClosed", err)
		}
	}
}

// TestTaken: a socket that somebody listens on stays theirs.
func TestTaken(t *testing.T) {
	path := place(t)
	l := mustListen(t, path, Permission{Mode: 0o600})
	if _, err := Listen(path, Permission{Mode: 0o600}); !errors.Is(err, ErrTaken) || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v; want ErrTaken", err)
	}
	wantAlone(t, path, 1)
	if _, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first listener is not reached: %v", err)
	}
	must(t, l.Close())
}

// TestStale: what a dead process has left is replaced.
func TestStale(t *testing.T) {
	path := place(t)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(t, err)
	dead.SetUnlinkOnClose(false)
	must(t, dead.Close())
	l := mustListen(t, path, Permission{Mode: 0o600})
	c, err := net.Dial("unix", path)
	must(t, err)
	must(t, c.Close())
	must(t, l.Close())
	wantAlone(t, path, 0)
}

// TestNoSocket: a file of another kind is nobody's to remove.
func TestNoSocket(t *testing.T) {
	path := place(t)
	must(t, os.WriteFile(path, []byte("mine"), 0o600))
	if _, err := Listen(path, Permission{Mode: 0o600}); !errors.Is(err, ErrNoSocket) {
		t.Errorf("got %v; want ErrNoSocket", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("got %q, %v; want the file as it was", text, err)
	}
}

// TestRefused: what cannot be had leaves nothing behind.
func TestRefused(t *testing.T) {
	path := place(t)
	for what, p := range map[string]Permission{
		"no such group": {Mode: 0o600, Group: "no-such-group"}, "a negative group": {Mode: 0o600, Group: "-1"},
	} {
		if l, err := Listen(path, p); err == nil {
			t.Errorf("%s: got %v; want an error", what, l.Addr())
		}
	}
	wantAlone(t, path, 0)
	if _, err := Listen(filepath.Join(path, "none", "x"), Permission{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v; want fs.ErrNotExist", err)
	}
	if _, err := Listen("/tmp/"+strings.Repeat("x", LongestPath), Permission{}); err == nil {
		t.Error("a path that is too long was taken")
	}
}

// TestLongestPath: a path of that length can be had, also in the longest directory.
func TestLongestPath(t *testing.T) {
	dir := filepath.Dir(place(t))
	deep := dir + "/" + strings.Repeat("d", LongestPath-len(dir)-len("/")-len("/x"))
	must(t, os.Mkdir(deep, 0o700))
	mustListen(t, deep+"/x", Permission{Mode: 0o600})
}

func TestGroup(t *testing.T) {
	groups, err := os.Getgroups()
	must(t, err)
	if os.Getuid() == 0 {
		groups = []int{1}
	}
	for _, gid := range groups {
		path := place(t)
		mustListen(t, path, Permission{Mode: 0o660, Group: strconv.Itoa(gid)})
		info, err := os.Stat(path)
		must(t, err)
		if got := info.Sys().(*syscall.Stat_t).Gid; int(got) != gid {
			t.Errorf("got group %d; want %d", got, gid)
		}
		wantMode(t, path, 0o660)
	}
}

func TestPermit(t *testing.T) {
	path := place(t)
	l := mustListen(t, path, Permission{Mode: 0o600})
	must(t, l.Permit(Permission{Mode: 0o666}))
	wantMode(t, path, 0o666)
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, nil, 0o600))
	if err := l.Permit(Permission{Mode: 0o666}); !errors.Is(err, ErrReplaced) {
		t.Errorf("got %v; want ErrReplaced", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v; want the mode of another's file as it was", info.Mode(), err)
	}
	must(t, l.Close())
	if _, err := os.Stat(path); err != nil {
		t.Errorf("got %v; want another's file left where it is", err)
	}
}
