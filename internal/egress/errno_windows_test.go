package egress_test

import (
	"golang.org/x/sys/windows"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// errnos is what this system's calls say and what it means.
func errnos() map[error]egress.Result {
	return map[error]egress.Result{
		windows.WSAECONNREFUSED:         egress.Refused,
		windows.WSAENETUNREACH:          egress.NetworkUnreachable,
		windows.WSAENETDOWN:             egress.NetworkUnreachable,
		windows.WSAEHOSTUNREACH:         egress.HostUnreachable,
		windows.WSAEHOSTDOWN:            egress.HostUnreachable,
		windows.WSAETIMEDOUT:            egress.TimedOut,
		windows.WSAEADDRNOTAVAIL:        egress.NoPort,
		windows.WSAEADDRINUSE:           egress.NoPort,
		windows.WSAEAFNOSUPPORT:         egress.FamilyMismatch,
		windows.WSAEMFILE:               egress.NoResources,
		windows.WSAENOBUFS:              egress.NoResources,
		windows.ERROR_NOT_ENOUGH_MEMORY: egress.NoResources,
		windows.WSAEACCES:               egress.NotPermitted,
		windows.WSAECONNRESET:           egress.Failed,
	}
}
