package egress

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Classify says what an error of a lookup or an attempt to connect means; nil
// is Connected. It goes by type and errno, never by text. It cannot tell that
// the client left: of a cancelled context and a closed socket it says Aborted.
func Classify(err error) Result {
	if err == nil {
		return Connected
	}
	// Before the errnos and the deadlines: a lookup fails for those of the
	// conversation with a name server, which say nothing about the upstream.
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return classifyLookup(dns)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return classifyErrno(errno)
	}
	// Package net's word for an address of the wrong family, both when it looks
	// a name up in the hosts file and when it binds.
	if _, ok := errors.AsType[*net.AddrError](err); ok {
		return FamilyMismatch
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return Aborted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	}
	return Failed
}

func classifyLookup(err *net.DNSError) Result {
	switch {
	case err.IsNotFound:
		return NameNotFound
	case errors.Is(err, context.Canceled):
		return Aborted
	}
	return ResolveFailed
}
