//go:build unix

package web

import (
	"syscall"
	"testing"
	"time"
)

// processorTime is what this process has used of its processors, all its
// goroutines together.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
