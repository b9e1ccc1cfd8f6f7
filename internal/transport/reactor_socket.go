//go:build linux

package transport

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setRaw is setsockopt(2).
func setRaw(fd int32, o *socketOption) error {
	_, errno := again(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(o.level), uintptr(o.name),
		uintptr(unsafe.Pointer(&o.value)), unsafe.Sizeof(o.value), 0)
	return failure("setsockopt", errno)
}

// socketRaw opens a socket of the family of a, which an IPv6 one is for alone.
func socketRaw(a netip.Addr) (int32, error) {
	fd, err := newSocket(familyOf(a))
	return int32(fd), err
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// bindRaw is bind(2); for port 0 it takes no port where that can wait, see
// bindSocket.
func bindRaw(fd int32, a netip.AddrPort) error {
	if a.Port() == 0 {
		_ = setRaw(fd, &socketOption{unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1}) // before 4.2 it is taken at once
	}
	var sa unix.RawSockaddrInet6
	size, err := putAddr(a, &sa)
	if err != nil {
		return err
	}
	_, errno := again(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&sa)), size, 0, 0, 0)
	return failure("bind", errno)
}

// connectRaw begins connect(2).
func connectRaw(fd int32, a netip.AddrPort) error {
	var sa unix.RawSockaddrInet6
	size, err := putAddr(a, &sa)
	if err != nil {
		return err
	}
	// Not made again: interrupted, it goes on by itself.
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), size)
	if errno == unix.EINPROGRESS || errno == unix.EINTR {
		return nil
	}
	return failure("connect", errno)
}

// putAddr writes a into sa and returns how much of that the kernel takes.
func putAddr(a netip.AddrPort, sa *unix.RawSockaddrInet6) (uintptr, error) {
	if a.Addr().Is4() {
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		sa4.Family, sa4.Port, sa4.Addr = unix.AF_INET, networkOrder(a.Port()), a.Addr().As4()
		return unsafe.Sizeof(*sa4), nil
	}
	sa.Family, sa.Port, sa.Addr = unix.AF_INET6, networkOrder(a.Port()), a.Addr().As16()
	if zone := a.Addr().Zone(); zone != "" {
		link, err := net.InterfaceByName(zone)
		if err != nil {
			return 0, err
		}
		sa.Scope_id = uint32(link.Index)
	}
	return unsafe.Sizeof(*sa), nil
}

// localRaw is getsockname(2), the zero value if that fails.
func localRaw(fd int32) netip.AddrPort {
	var sa unix.RawSockaddrInet6
	size := uint32(unsafe.Sizeof(sa))
	_, errno := again(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)), 0, 0, 0)
	if errno != 0 {
		return netip.AddrPort{}
	}
	return rawAddrPort(&sa)
}

// rawAddrPort is what the kernel wrote into sa, unmapped and without a zone.
func rawAddrPort(sa *unix.RawSockaddrInet6) netip.AddrPort {
	switch sa.Family {
	case unix.AF_INET:
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(sa4.Addr), networkOrder(sa4.Port))
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), networkOrder(sa.Port))
	}
	return netip.AddrPort{}
}

// networkOrder turns a port from a number into what lies in a socket address,
// and back.
func networkOrder(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

// failureRaw is the pending error of fd, which this call takes.
func failureRaw(fd int32) syscall.Errno {
	var v int32
	size := uint32(unsafe.Sizeof(v))
	_, errno := again(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR,
		uintptr(unsafe.Pointer(&v)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return syscall.Errno(v)
}

// undelivered is how many bytes of fd the peer has not acknowledged, tcp(7); 0
// if there is no telling.
func undelivered(fd int32) int {
	var n int32
	if _, errno := again(unix.SYS_IOCTL, uintptr(fd), unix.SIOCOUTQ, uintptr(unsafe.Pointer(&n)), 0, 0, 0); errno != 0 {
		return 0
	}
	return int(n)
}

// failure is errno as an error that names its call; nil for none.
func failure(name string, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError(name, errno)
}
