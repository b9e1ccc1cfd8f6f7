package egress

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// classifyErrno knows the codes of Winsock, which are not those that package
// syscall calls by the names of errnos.
func classifyErrno(errno syscall.Errno) Result {
	switch errno {
	case windows.WSAECONNREFUSED:
		return Refused
	case windows.WSAENETUNREACH, windows.WSAENETDOWN:
		return NetworkUnreachable
	case windows.WSAEHOSTUNREACH, windows.WSAEHOSTDOWN:
		return HostUnreachable
	case windows.WSAETIMEDOUT:
		return TimedOut
	case windows.WSAEADDRNOTAVAIL, windows.WSAEADDRINUSE:
		return NoPort
	case windows.WSAEAFNOSUPPORT:
		return FamilyMismatch
	case windows.WSAEMFILE, windows.WSAENOBUFS, windows.ERROR_NOT_ENOUGH_MEMORY:
		return NoResources
	case windows.WSAEACCES:
		return NotPermitted
	}
	return Failed
}
