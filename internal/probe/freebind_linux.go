package probe

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// freebind is a net.Dialer's Control: the socket may be bound to an address that is
// not of this host.
func freebind(network, _ string, raw syscall.RawConn) error {
	level, option := unix.SOL_IP, unix.IP_FREEBIND
	if strings.HasSuffix(network, "6") {
		level, option = unix.SOL_IPV6, unix.IPV6_FREEBIND
	}
	var err error
	if closed := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, 1) }); closed != nil {
		return closed
	}
	return os.NewSyscallError("setsockopt", err)
}
