package sdnotify

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is CLOCK_MONOTONIC, by which the manager tells a reload that has begun
// after its signal from one that had begun before.
func monotonic() (time.Duration, bool) {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return 0, false
	}
	return time.Duration(now.Nano()), true
}
