//go:build !(linux || darwin || freebsd)

package transport

// newSockets: this system has no system calls of ours.
func newSockets(b *buffers) sockets { return plainSockets{b} }

// readable can't be asked here.
func readable(uintptr) bool { return false }

// hasPeer: a reset is reported here by every read that follows it, so that an
// end of stream is always one.
func hasPeer(uintptr) bool { return true }

// hasFailed can't be asked here.
func hasFailed(uintptr) bool { return false }

// unacknowledged can't be asked here.
func unacknowledged(uintptr) int { return -1 }
