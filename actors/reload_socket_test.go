//go:build unix

package actors

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// socketPath is a path that is short enough for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tr")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "admin.sock")
}

func onSocket(path string, mode fs.FileMode, limit int64) policy.HTTPListener {
	l := limited(limit)
	l.Listen, l.SocketMode = policy.UnixPrefix+path, mode
	return l
}

func newSocketBrowser(t *testing.T, path string) *browser {
	b := newBrowser(t)
	b.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return b
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if got := info.Mode(); got != want|fs.ModeSocket {
		t.Errorf("got %v; want a socket with %v", got, want)
	}
}

// TestHTTPOnUnixSocket is the life of an admin socket: it stays through reloads,
// its connections too, has the mode of the newest policy that was taken, comes
// back after a failure, and goes with its listener.
func TestHTTPOnUnixSocket(t *testing.T) {
	path := socketPath(t)
	tr := startWeb(t, nil, nil)
	tr.mustReloadHTTP(onSocket(path, 0o600, 1))
	b := newSocketBrowser(t, path)
	b.want(t, "http://unix/", "1")
	wantMode(t, path, 0o600)
	before, err := os.Stat(path)
	must(t, err)

	d := tr.mustReloadHTTP(onSocket(path, 0o660, 2))
	if want := "~ http listener unix:" + path + " socket_mode, request_body_limit 1 → 2\n= 1 listener unchanged"; d.String() != want {
		t.Errorf("got the difference %q; want %q", d, want)
	}
	b.want(t, "http://unix/", "2")
	wantMode(t, path, 0o660)

	busy := onSocket(socketPath(t), 0o600, 3)
	other, err := net.Listen("unix", busy.Listen[len(policy.UnixPrefix):])
	must(t, err)
	defer other.Close()
	_, err = tr.sys.Reload(t.Context(), &policy.Policy{Listeners: []policy.Listener{anyListener()}, HTTP: []policy.HTTPListener{onSocket(path, 0o666, 3), busy}})
	if err == nil {
		t.Error("a socket on which somebody listens was taken from them")
	}
	wantMode(t, path, 0o660)
	b.want(t, "http://unix/", "2")

	tr.send("web", &boom{})
	eventually(t, "an answer after the failure", func() bool {
		got, err := b.get("http://unix/")
		return err == nil && got == "2"
	})
	after, err := os.Stat(path)
	must(t, err)
	if !os.SameFile(before, after) {
		t.Error("the socket is another one; want it to stay")
	}
	tr.mustReloadHTTP()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("got %v; want the socket gone with its listener", err)
	}
}

// The end of the tree takes the socket with it.
func TestHTTPOnUnixSocketEnds(t *testing.T) {
	path := socketPath(t)
	tr := startWeb(t, nil, nil)
	tr.mustReloadHTTP(onSocket(path, 0o600, 1))
	tr.stop()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("got %v; want the socket gone", err)
	}
}
