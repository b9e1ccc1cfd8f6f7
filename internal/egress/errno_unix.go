//go:build unix

package egress

import "syscall"

// classifyErrno knows the errnos of socket(2), bind(2) and connect(2).
func classifyErrno(errno syscall.Errno) Result {
	switch errno {
	case syscall.ECONNREFUSED:
		return Refused
	case syscall.ENETUNREACH, syscall.ENETDOWN:
		return NetworkUnreachable
	case syscall.EHOSTUNREACH, syscall.EHOSTDOWN:
		return HostUnreachable
	case syscall.ETIMEDOUT:
		return TimedOut
	case syscall.EADDRNOTAVAIL, syscall.EADDRINUSE:
		return NoPort
	case syscall.EAFNOSUPPORT:
		return FamilyMismatch
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return NoResources
	case syscall.EACCES, syscall.EPERM:
		return NotPermitted
	}
	return Failed
}
