package transport

import "golang.org/x/sys/unix"

const keepAliveIdle = unix.TCP_KEEPIDLE

// acceptInherits: an accepted socket has the options of the listening one.
const acceptInherits = true

func openSocket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
}

// bindWithoutPort serves IPv6 sockets too. Where the kernel refuses (before
// 4.2) a port is taken at bind.
func bindWithoutPort(fd int) {
	_ = unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}

// unacknowledged is how many bytes of fd the peer has not acknowledged, tcp(7).
func unacknowledged(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return -1
	}
	return n
}
