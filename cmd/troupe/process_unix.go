//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

const (
	// reservedDescriptors are kept for the policy, HTTP, logs and the runtime.
	// Attempts that race one another for a name come out of them too.
	reservedDescriptors = 256
	fewestReserved      = 24
	// maxSlots keeps an unlimited descriptor limit from meaning unlimited memory.
	maxSlots = 500_000
)

// handled are the signals that do something or must not end the daemon: by
// default SIGHUP and SIGUSR1 would.
func handled() []os.Signal {
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
}

// reopens reports whether a signal asks for the access log to be opened anew, as
// whoever renames log files expects of SIGUSR1.
func reopens(s os.Signal) bool { return s == syscall.SIGUSR1 }

// upgrades reports whether a signal asks for the hand-over to the program as it is
// installed.
func upgrades(s os.Signal) bool { return s == syscall.SIGUSR2 }

// ignoreBrokenPipes keeps the daemon alive when whoever read its log has gone:
// Go ends a program that writes to a broken pipe on descriptor 1 or 2.
func ignoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }

// sessionSlots is how many sessions the descriptor limit allows, at two each.
// The Go runtime has raised the soft limit to the hard one at its start.
func sessionSlots() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	free := int(min(limit.Cur, 2*maxSlots+reservedDescriptors))
	reserve := min(reservedDescriptors, max(free/4, fewestReserved))
	return max(1, (free-reserve)/2)
}
