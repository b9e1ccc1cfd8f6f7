package rules

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// localRoutes reads the routes that end on this machine. Interfaces' addresses
// do not say all: `ip route add local 192.0.2.0/24 dev lo`, which is how a host
// sends from a whole network, makes each address of it this machine's. The
// manual is rtnetlink(7).
func localRoutes() ([]netip.Prefix, error) {
	fd, err := openNetlink()
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }() // nothing was sent that could be lost
	var all []netip.Prefix
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		messages, err := dump(fd, routesRequest(family))
		if err != nil {
			return nil, err
		}
		for i := range messages {
			if p, ok := localRoute(&messages[i]); ok {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

func openNetlink() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	// With it the kernel, from 4.20 on, gives the asked-for table alone. Without,
	// it gives all routes and they are told apart here.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	return fd, nil
}

// errInterrupted: what was asked for changed while it was read, three times in a
// row.
var errInterrupted = errors.New("the addresses and routes keep changing")

// dump gives all that the kernel answers to a request.
func dump(fd int, request []byte) ([]syscall.NetlinkMessage, error) {
	for range 3 {
		if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return nil, os.NewSyscallError("sendto", err)
		}
		messages, whole, err := collect(fd)
		if err != nil || whole {
			return messages, err
		}
	}
	return nil, errInterrupted
}

// dumpRequest is a nlmsghdr before room for a message of that size.
func dumpRequest(kind uint16, size uint32) []byte {
	b := make([]byte, unix.SizeofNlMsghdr+size)
	binary.NativeEndian.PutUint32(b[0:], unix.SizeofNlMsghdr+size)
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	return b
}

// routesRequest asks for the local table, by a rtmsg.
func routesRequest(family uint8) []byte {
	b := dumpRequest(unix.RTM_GETROUTE, unix.SizeofRtMsg)
	b[unix.SizeofNlMsghdr] = family
	b[unix.SizeofNlMsghdr+4] = unix.RT_TABLE_LOCAL
	return b
}

// collect takes in the answer to one request; whole is false if it was
// disturbed. The kernel writes it while it is received, so there is no waiting.
func collect(fd int) (all []syscall.NetlinkMessage, whole bool, err error) {
	whole = true
	for {
		buffer := make([]byte, 64<<10) // the kernel fills 32 KiB at most; the messages stay in it
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			return nil, false, os.NewSyscallError("recvfrom", err)
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return nil, false, os.NewSyscallError("netlink", err)
		}
		for i := range messages {
			m := &messages[i]
			whole = whole && m.Header.Flags&unix.NLM_F_DUMP_INTR == 0
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return all, whole, nil
			case unix.NLMSG_ERROR:
				return nil, false, os.NewSyscallError("netlink", refusal(m.Data))
			default:
				all = append(all, *m)
			}
		}
	}
}

// refusal is the errno that a nlmsgerr begins with, negated.
func refusal(data []byte) syscall.Errno {
	if len(data) < 4 {
		return syscall.EINVAL
	}
	return syscall.Errno(-int32(binary.NativeEndian.Uint32(data)))
}

// localRoute reads a route, of a type whose packets end here.
func localRoute(m *syscall.NetlinkMessage) (netip.Prefix, bool) {
	if m.Header.Type != unix.RTM_NEWROUTE || len(m.Data) < unix.SizeofRtMsg {
		return netip.Prefix{}, false
	}
	family, bits, table, kind := m.Data[0], int(m.Data[1]), m.Data[4], m.Data[7]
	// Other tables are for packets that are marked, as by a transparent proxy,
	// which may have everything as local.
	if table != unix.RT_TABLE_LOCAL || kind != unix.RTN_LOCAL && kind != unix.RTN_ANYCAST {
		return netip.Prefix{}, false
	}
	addr := netip.IPv6Unspecified() // of a route with no RTA_DST, the default one
	if family == unix.AF_INET {
		addr = netip.IPv4Unspecified()
	}
	attributes, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return netip.Prefix{}, false
	}
	for _, a := range attributes {
		if a.Attr.Type != unix.RTA_DST {
			continue
		}
		dst, ok := netip.AddrFromSlice(a.Value)
		if !ok {
			return netip.Prefix{}, false
		}
		addr = dst
	}
	p, err := addr.Prefix(bits)
	return p, err == nil
}
