//go:build !(linux || darwin || freebsd)

package transport

import (
	"net"
	"net/netip"
	"syscall"
)

// The numbers are those of Winsock, WSAGetLastError; package syscall has names
// for two of them only. They clash with nothing on the other systems.
const (
	wsaInvalid     syscall.Errno = 10022
	wsaTooManyOpen syscall.Errno = 10024
	wsaNotSocket   syscall.Errno = 10038
	wsaConnAborted syscall.Errno = 10053
	wsaConnReset   syscall.Errno = 10054
)

func deadErrno(e syscall.Errno) bool {
	return e == syscall.EINVAL || e == wsaInvalid || e == wsaNotSocket
}

func abandonedErrno(e syscall.Errno) bool { return e == wsaConnAborted || e == wsaConnReset }

func descriptorErrno(e syscall.Errno) bool { return e == wsaTooManyOpen }

// reserve: without a way to accept at once there is no use for a reserve, and
// waiting clients stay in the queue.
type reserve struct{}

func (r *reserve) open() error { return nil }
func (r *reserve) close()      {}

func (r *reserve) shed(*net.TCPListener) (netip.AddrPort, bool) { return netip.AddrPort{}, false }
