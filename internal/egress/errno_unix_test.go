//go:build unix

package egress_test

import (
	"syscall"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// errnos is what this system's calls say and what it means.
func errnos() map[error]egress.Result {
	return map[error]egress.Result{
		syscall.ECONNREFUSED:  egress.Refused,
		syscall.ENETUNREACH:   egress.NetworkUnreachable,
		syscall.ENETDOWN:      egress.NetworkUnreachable,
		syscall.EHOSTUNREACH:  egress.HostUnreachable,
		syscall.EHOSTDOWN:     egress.HostUnreachable,
		syscall.ETIMEDOUT:     egress.TimedOut,
		syscall.EADDRNOTAVAIL: egress.NoPort,
		syscall.EADDRINUSE:    egress.NoPort,
		syscall.EAFNOSUPPORT:  egress.FamilyMismatch,
		syscall.EMFILE:        egress.NoResources,
		syscall.ENFILE:        egress.NoResources,
		syscall.ENOBUFS:       egress.NoResources,
		syscall.ENOMEM:        egress.NoResources,
		syscall.EACCES:        egress.NotPermitted,
		syscall.EPERM:         egress.NotPermitted,
		syscall.ECONNRESET:    egress.Failed,
		syscall.ECONNABORTED:  egress.Failed,
		syscall.EINVAL:        egress.Failed,
	}
}
