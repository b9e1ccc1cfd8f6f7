//go:build unix

package accesslog

import (
	"errors"
	"syscall"
	"time"
)

const (
	// holdPatience is how long another process may have the file: it writes meanwhile.
	// Longer than that it is somebody whom the sessions' lines do not wait for for ever.
	holdPatience = time.Second
	holdPause    = time.Millisecond
)

// errHeld says that another process has the file and does not let it go.
var errHeld = errors.New("another process has locked the file")

// hold has the file to ourselves, among those who ask, until release is called. Where
// files cannot be locked it does nothing. The error is errHeld.
func (f file) hold() (release func(), err error) {
	if !f.regular {
		return func() {}, nil
	}
	patience := time.Now().Add(holdPatience)
	for {
		err := f.flock(syscall.LOCK_EX | syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.flock(syscall.LOCK_UN) }, nil // it is let go when closed, too
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return func() {}, nil
		case !time.Now().Before(patience):
			return nil, errHeld
		}
		time.Sleep(holdPause) //nolint:forbidigo // a lock that waits has no time limit, flock(2)
	}
}

func (f file) flock(how int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := raw.Control(func(fd uintptr) { err = syscall.Flock(int(fd), how) }); cerr != nil {
		return cerr
	}
	return err
}
