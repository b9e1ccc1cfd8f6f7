//go:build !linux

package transport

import "time"

// setUserTimeout: there is no TCP_USER_TIMEOUT here.
func setUserTimeout(uintptr, time.Duration) {}
