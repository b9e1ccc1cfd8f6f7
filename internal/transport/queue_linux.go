package transport

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Queue says how many clients wait to be accepted, and how many may before the
// kernel refuses more or lets them try again. Beyond Listener, it may be called
// from any goroutine; the error of a closed one wraps net.ErrClosed.
func (l *listener) Queue() (waiting, limit uint32, err error) {
	raw, err := l.tcp.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	cerr := raw.Control(func(fd uintptr) { waiting, limit, err = queueOf(int(fd)) })
	if cerr != nil {
		return 0, 0, cerr
	}
	return waiting, limit, err
}

// Queue is as that of the other Listener.
func (l *epollListener) Queue() (waiting, limit uint32, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, 0, net.ErrClosed
	}
	return queueOf(int(l.fd))
}

// queueOf reads what tcp_get_info in Linux has for a listening socket under the
// names of two counters that it has no use for.
func queueOf(fd int) (waiting, limit uint32, err error) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, 0, fmt.Errorf("getsockopt: %w", err)
	}
	return info.Unacked, info.Sacked, nil
}
