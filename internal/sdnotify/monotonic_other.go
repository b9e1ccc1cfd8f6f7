//go:build !linux

package sdnotify

import "time"

// monotonic: there is no systemd here.
func monotonic() (time.Duration, bool) { return 0, false }
