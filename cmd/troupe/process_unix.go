//go:build unix

package main

import (
	"os"
	"syscall"
)

const (
	// reservedDescriptors are kept for the policy, HTTP, logs and the runtime.
	reservedDescriptors = 256
	// maxSlots keeps an unlimited descriptor limit from meaning unlimited memory.
	maxSlots = 500_000
)

// handled are the signals that do something or must not end the daemon: by
// default SIGHUP and SIGUSR1 would.
func handled() []os.Signal {
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
}

// sessionSlots is how many sessions the descriptor limit allows, at two each.
// The Go runtime has raised the soft limit to the hard one at its start.
func sessionSlots() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	free := min(limit.Cur, 2*maxSlots+reservedDescriptors)
	if free < 2*reservedDescriptors {
		return max(1, int(free)/4)
	}
	return int(free-reservedDescriptors) / 2
}
