//go:build unix

package accesslog

import (
	"errors"
	"syscall"
	"time"
)

const (
	// holdTries is how often another process may be found to have the file: it writes
	// meanwhile. For longer, a second or so, it is somebody whom the sessions' lines do
	// not wait for: whoever may read a file may lock it.
	holdTries = 1000
	holdPause = time.Millisecond
)

// hold has the file to ourselves, among those who ask, until release is called. Where
// files cannot be locked, or somebody does not let go, it is not held.
func (f file) hold() (release func(), held bool) {
	if !f.regular {
		return func() {}, true
	}
	pause := f.pause
	if pause == nil {
		pause = sleep
	}
	for range holdTries {
		err := f.flock(syscall.LOCK_EX | syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.flock(syscall.LOCK_UN) }, true // it is let go when closed, too
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return func() {}, false
		}
		pause()
	}
	return func() {}, false
}

func sleep() {
	time.Sleep(holdPause) //nolint:forbidigo // a lock that waits has no time limit, flock(2)
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
