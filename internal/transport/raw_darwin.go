package transport

import "golang.org/x/sys/unix"

const keepAliveIdle = unix.TCP_KEEPALIVE

// unacknowledged is how many bytes of fd the peer has not acknowledged.
func unacknowledged(fd uintptr) int {
	n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NWRITE)
	if err != nil {
		return -1
	}
	return n
}
