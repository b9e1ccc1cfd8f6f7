//go:build darwin || freebsd

package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// abandonedErrno is accept(2).
func abandonedErrno(e syscall.Errno) bool {
	return e == unix.ECONNABORTED || e == unix.ECONNRESET || e == unix.EINTR
}
