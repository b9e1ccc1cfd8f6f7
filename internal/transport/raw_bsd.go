//go:build darwin || freebsd

package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acceptInherits: what an accepted socket inherits differs by system here.
const acceptInherits = false

// openSocket holds off a fork between the call and close-on-exec.
func openSocket(family int) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, unix.IPPROTO_TCP)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// freebind: there is no such thing here.
func freebind(int, int) error { return errNoFreebind }

// bindWithoutPort: there is no such thing here, a port is taken at bind.
func bindWithoutPort(int) {}
