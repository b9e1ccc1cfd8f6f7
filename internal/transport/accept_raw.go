//go:build linux || darwin || freebsd

package transport

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func deadErrno(e syscall.Errno) bool {
	return e == unix.EBADF || e == unix.EINVAL || e == unix.ENOTSOCK
}

func descriptorErrno(e syscall.Errno) bool { return e == unix.EMFILE || e == unix.ENFILE }

// reserve is a descriptor kept back for a time when there is no other.
type reserve struct {
	file *os.File // nil if it was lent and could not be opened again yet
}

func (r *reserve) open() error {
	if r.file != nil {
		return nil
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	r.file = f
	return nil
}

func (r *reserve) close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}

// shed takes one waiting client with the reserve descriptor and closes it. It
// returns false if none waits, or if somebody else was quicker to the
// descriptor.
func (r *reserve) shed(l *net.TCPListener) (client netip.AddrPort, ok bool) {
	raw, err := l.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, false
	}
	r.close()
	_ = raw.Control(func(listening uintptr) { // fails when closed
		fd, sa, err := syscall.Accept(int(listening))
		if err != nil {
			return
		}
		client, ok = socketAddrPort(sa), true
		_ = unix.Close(fd)
	})
	_ = r.open() // fails where somebody else was quicker: tried again before the next accept
	return client, ok
}
