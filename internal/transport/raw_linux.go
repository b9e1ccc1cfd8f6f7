package transport

import (
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

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

// freebind has a socket bound to an address that need not be one of this machine.
func freebind(fd, family int) error {
	if family == unix.AF_INET6 {
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_FREEBIND, 1))
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_FREEBIND, 1))
}

// unacknowledged is how many bytes of fd the peer has not acknowledged, tcp(7).
func unacknowledged(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return -1
	}
	return n
}

// setUserTimeout sets TCP_USER_TIMEOUT, tcp(7). A socket that refuses it has failed
// already.
func setUserTimeout(fd uintptr, d time.Duration) {
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(milliseconds(d)))
}

// milliseconds is d as the kernel takes it, at least one: 0 would mean its own
// default.
func milliseconds(d time.Duration) int32 {
	return int32(min(max(d.Milliseconds(), 1), math.MaxInt32))
}
