//go:build linux

package transport

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below are made on non-blocking descriptors and return at once.
// Made raw, they spare the runtime the bookkeeping for a call that may block.

// again makes a system call again as long as a signal interrupts it.
func again(trap, a, b, c, d, e, f uintptr) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(trap, a, b, c, d, e, f)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// receiveRaw is recv(2); 0 and no error is the end of the stream.
func receiveRaw(fd int32, p []byte) (int, syscall.Errno) {
	return again(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
}

// peekRaw is receiveRaw that leaves the bytes where they are.
func peekRaw(fd int32, p []byte) (int, syscall.Errno) {
	return again(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_PEEK, 0, 0)
}

// skipRaw throws n bytes away that have been peeked at, tcp(7). They are there.
func skipRaw(fd int32, n int) {
	_, _ = again(unix.SYS_RECVFROM, uintptr(fd), 0, uintptr(n), unix.MSG_TRUNC, 0, 0)
}

// sendRaw is send(2).
func sendRaw(fd int32, p []byte) (int, syscall.Errno) {
	return again(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0)
}

// spliceRaw is splice(2). Without SPLICE_F_MORE, which would hold small
// messages back.
func spliceRaw(from, to int32, n int) (int, syscall.Errno) {
	return again(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
}

// closeRaw closes fd. close(2) is never made again: the number is free even
// after an error.
func closeRaw(fd int32) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// resetRaw closes fd with a reset.
func resetRaw(fd int32) {
	_ = setLinger(fd, &unix.Linger{Onoff: 1}) // can't fail on a socket
	closeRaw(fd)
}

func setLinger(fd int32, l *unix.Linger) syscall.Errno {
	_, errno := again(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_LINGER,
		uintptr(unsafe.Pointer(l)), unsafe.Sizeof(*l), 0)
	return errno
}

// shutdownRaw sends the end of our stream.
func shutdownRaw(fd int32) syscall.Errno {
	_, errno := again(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0, 0, 0, 0)
	return errno
}

// acceptRaw is accept4(2), with the client's address.
func acceptRaw(fd int32) (int32, netip.AddrPort, syscall.Errno) {
	var sa unix.RawSockaddrInet6 // the larger of the two
	size := uint32(unsafe.Sizeof(sa))
	n, errno := again(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, netip.AddrPort{}, errno
	}
	return int32(n), rawAddrPort(&sa), 0
}

// watchRaw adds fd to an epoll set or takes it out; data comes with its events.
func watchRaw(epoll int32, op int, fd int32, e *unix.EpollEvent) syscall.Errno {
	_, errno := again(unix.SYS_EPOLL_CTL, uintptr(epoll), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(e)), 0, 0)
	return errno
}

// readyRaw is epoll_pwait(2) without a wait.
func readyRaw(epoll uintptr, into []unix.EpollEvent) (int, syscall.Errno) {
	return again(unix.SYS_EPOLL_PWAIT, epoll, uintptr(unsafe.Pointer(unsafe.SliceData(into))), uintptr(len(into)), 0, 0, 0)
}
