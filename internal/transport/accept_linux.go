package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// abandonedErrno is accept(2), "Error handling", and EPERM of a firewall.
func abandonedErrno(e syscall.Errno) bool {
	switch e {
	case unix.ECONNABORTED, unix.ECONNRESET, unix.ETIMEDOUT, unix.EINTR, unix.EPERM,
		unix.ENETDOWN, unix.EPROTO, unix.ENOPROTOOPT, unix.EHOSTDOWN, unix.ENONET,
		unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH:
		return true
	}
	return false
}
