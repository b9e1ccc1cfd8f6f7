// Package unixsocket listens on a Unix socket that has its permissions before
// anybody can connect, that takes the place of one a dead process has left, and
// that leaves no file behind.
//
// It speaks no protocol and knows nobody who connects. Path and permissions come
// from the policy; connections go to whoever accepts them.
package unixsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// LongestPath is how many bytes a path may have. The address of a socket has room
// for 103 on macOS and 107 on Linux, and the name in which it is made is longer
// than its own.
const LongestPath = 90

// answerTime is how long who may be listening has to take a connection.
const answerTime = 2 * time.Second

var (
	// ErrTaken says that somebody listens on the socket. It is EADDRINUSE too.
	ErrTaken = fmt.Errorf("somebody listens there: %w", syscall.EADDRINUSE)
	// ErrNoSocket says that the path has a file that is no socket.
	ErrNoSocket = errors.New("there is a file that is no socket")
	// ErrReplaced says that the path has no longer the socket that was made there.
	ErrReplaced = errors.New("the socket is not there any more")
)

// Permission says who may connect: whoever may write to the file.
type Permission struct {
	Mode  fs.FileMode // 0 to 0777
	Group string      // by name or number; empty: that of the process
}

// Listener is a listening socket. Its methods may be called from any goroutine.
type Listener struct {
	*net.UnixListener
	path   string
	file   fs.FileInfo // the socket's, to tell it from another at the path
	closed atomic.Bool
	kept   atomic.Bool // the file is another's to remove
	keep   func() bool // likewise, if it is set and says so
}

// Listen makes a socket at an absolute path whose directory exists and may be
// written to. A socket there on which nobody listens is replaced. The error wraps
// ErrTaken, ErrNoSocket, errors.ErrUnsupported on Windows, or what went wrong. The
// caller owns the Listener.
func Listen(path string, p Permission) (*Listener, error) {
	if runtime.GOOS == "windows" { // where a file of a socket has no permissions
		return nil, fmt.Errorf("unix sockets: %w on this system", errors.ErrUnsupported)
	}
	if len(path) > LongestPath {
		return nil, fmt.Errorf("the path has %d bytes, and may have %d", len(path), LongestPath)
	}
	if err := checkFree(path); err != nil {
		return nil, err
	}
	// Made where nobody else can go, a socket with the permissions of the umask is
	// not in anybody's reach.
	private, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, err
	}
	l, err := listenIn(private, path, p)
	return l, errors.Join(err, os.RemoveAll(private))
}

// checkFree tells a socket in use from one that was left behind.
func checkFree(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return ErrNoSocket
	}
	c, err := net.DialTimeout("unix", path, answerTime)
	switch {
	case err == nil:
		_ = c.Close() // nothing was said
		return ErrTaken
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, os.ErrDeadlineExceeded): // its queue is full
		return ErrTaken
	}
	return err
}

func listenIn(private, path string, p Permission) (*Listener, error) {
	made := filepath.Join(private, "s")
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	socket.SetUnlinkOnClose(false) // that would be the name it was made under
	l := &Listener{UnixListener: socket, path: path}
	err = p.apply(made)
	if err == nil {
		l.file, err = os.Lstat(made)
	}
	if err == nil {
		err = os.Rename(made, path)
	}
	if err != nil {
		_ = socket.Close() // nobody has seen it
		return nil, err
	}
	return l, nil
}

// apply sets the group first: who is not root loses bits of the mode by it.
func (p Permission) apply(file string) error {
	gid, err := p.gid()
	if err != nil {
		return err
	}
	if err := os.Lchown(file, -1, gid); err != nil {
		return fmt.Errorf("cannot give the socket to the group %q: %w", p.Group, err)
	}
	return os.Chmod(file, p.Mode)
}

func (p Permission) gid() (int, error) {
	if p.Group == "" {
		return os.Getegid(), nil
	}
	number := p.Group
	if g, err := user.LookupGroup(p.Group); err == nil {
		number = g.Gid
	}
	gid, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("there is no group %q", p.Group)
	}
	return int(gid), nil
}

// Permit changes who may connect. Those who are connected stay.
func (l *Listener) Permit(p Permission) error {
	if !l.inPlace() {
		return ErrReplaced
	}
	return p.apply(l.path)
}

// inPlace reports whether the path has this socket.
func (l *Listener) inPlace() bool {
	now, err := os.Lstat(l.path)
	return err == nil && os.SameFile(now, l.file)
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// KeepFile has Close leave the file where it is, because another process listens on
// the same socket and goes on to do so.
func (l *Listener) KeepFile() { l.kept.Store(true) }

func (l *Listener) keepsFile() bool { return l.kept.Load() || l.keep != nil && l.keep() }

// Close stops listening and removes the file, unless another is in its place.
func (l *Listener) Close() error {
	if l.closed.Swap(true) {
		return net.ErrClosed
	}
	var err error
	if !l.keepsFile() && l.inPlace() { // before the end, lest somebody find a file that does not answer
		err = os.Remove(l.path)
	}
	return errors.Join(err, l.UnixListener.Close())
}
