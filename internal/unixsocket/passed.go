package unixsocket

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// ListenOn is Listen on a listening socket that another process has opened at the
// path and passed on. The file stays as it is; see Permit. The descriptor is the
// Listener's from here on, and is closed with an error, which wraps ErrReplaced if
// the path has no socket. As long as keep, which Close asks, says so, the file is
// the other's and stays.
func ListenOn(fd int, path string, keep func() bool) (*Listener, error) {
	file := os.NewFile(uintptr(fd), path)
	opened, err := net.FileListener(file)
	if err = errors.Join(err, file.Close()); err != nil { // the listener has a copy
		return nil, err
	}
	socket, ok := opened.(*net.UnixListener)
	if !ok {
		_ = opened.Close() // it was never served
		return nil, fmt.Errorf("%w: it is one of %s", ErrNoSocket, opened.Addr().Network())
	}
	l := &Listener{UnixListener: socket, path: path, keep: keep}
	if l.file, err = os.Lstat(path); err != nil {
		_ = socket.Close()
		return nil, fmt.Errorf("%w: %w", ErrReplaced, err)
	}
	return l, nil
}
