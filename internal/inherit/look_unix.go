//go:build unix

package inherit

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Look says what a descriptor is, and has it closed when a program is started. The
// error wraps ErrKind if it is not a socket to accept clients on.
func Look(fd int) (Socket, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return Socket{}, fmt.Errorf("%w, got none that is a socket: %w", ErrKind, os.NewSyscallError("getsockopt", err))
	}
	if kind != unix.SOCK_STREAM {
		return Socket{}, fmt.Errorf("%w, got one of type %d, see socket(2)", ErrKind, kind)
	}
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listens == 0 {
		return Socket{}, fmt.Errorf("%w, got one that does not listen (Accept=yes in a systemd.socket(5)?)", ErrKind)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return Socket{}, os.NewSyscallError("getsockname", err)
	}
	unix.CloseOnExec(fd)
	s := Socket{FD: fd}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		s.Address = netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port))
	case *unix.SockaddrInet6:
		s.Address = canonical(netip.AddrPortFrom(netip.AddrFrom16(name.Addr).WithZone(zoneOf(name.ZoneId)), uint16(name.Port)))
	case *unix.SockaddrUnix:
		s.Path = name.Name
	default:
		return Socket{}, fmt.Errorf("%w, got one of another family", ErrKind)
	}
	return s, nil
}

// zoneOf is the name of a network interface, by which addresses are written.
func zoneOf(index uint32) string {
	if index == 0 {
		return ""
	}
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(index), 10)
}

// Copy is another descriptor of the same socket, which is closed when a program is
// started.
func Copy(fd int) (int, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return copied, os.NewSyscallError("fcntl", err)
}

// Close closes a socket that nobody here serves: its queue stays, if another process
// has it.
func Close(s Socket) { closeDescriptor(s.FD) }

func closeDescriptor(fd int) { _ = unix.Close(fd) } // nobody has used it
