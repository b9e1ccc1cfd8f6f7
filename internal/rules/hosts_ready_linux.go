package rules

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ready reads what a source may be: the addresses of the interfaces, but for those
// of IPv6 that are being probed for duplicates or are such (RFC 4862 section 5.4),
// and networks of this machine's own. An address out of a network of IPv6 can be
// bound only where any address can; see ip-sysctl, ip_nonlocal_bind.
func (a *Addresses) ready(interfaces, routes []netip.Prefix) error {
	unready, err := unreadyAddresses()
	if err != nil {
		return err
	}
	a.BindsAny = [2]bool{bindsAny("ipv4"), bindsAny("ipv6")}
	a.Ready = make([]netip.Prefix, 0, len(interfaces))
	for _, p := range interfaces {
		if !unready[p.Addr()] {
			a.Ready = append(a.Ready, p)
		}
	}
	for _, p := range routes {
		switch {
		case p.IsSingleIP() && unready[p.Addr()]:
		case p.Addr().Is4() || a.BindsAny[1]:
			a.Ready = append(a.Ready, p)
		}
	}
	return nil
}

// bindsAny reads whether sockets of a family may be bound to any address.
func bindsAny(family string) bool {
	text, err := os.ReadFile("/proc/sys/net/" + family + "/ip_nonlocal_bind")
	return err == nil && !bytes.Equal(bytes.TrimSpace(text), []byte("0"))
}

// unreadyAddresses are those of IPv6 that cannot be bound (yet).
func unreadyAddresses() (map[netip.Addr]bool, error) {
	fd, err := openNetlink()
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }() // nothing was sent that could be lost
	request := dumpRequest(unix.RTM_GETADDR, unix.SizeofIfAddrmsg)
	request[unix.SizeofNlMsghdr] = unix.AF_INET6
	messages, err := dump(fd, request)
	if err != nil {
		return nil, err
	}
	unready := make(map[netip.Addr]bool)
	for i := range messages {
		if a, ok := unreadyAddress(&messages[i]); ok {
			unready[a] = true
		}
	}
	return unready, nil
}

// unreadyAddress reads an ifaddrmsg, rtnetlink(7). ok is false for an address that
// can be bound; an optimistic one can, RFC 4429.
func unreadyAddress(m *syscall.NetlinkMessage) (addr netip.Addr, ok bool) {
	if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
		return netip.Addr{}, false
	}
	flags := uint32(m.Data[2])
	attributes, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return netip.Addr{}, false
	}
	for _, a := range attributes {
		switch {
		case a.Attr.Type == unix.IFA_ADDRESS && !addr.IsValid(), a.Attr.Type == unix.IFA_LOCAL:
			addr, _ = netip.AddrFromSlice(a.Value)
		case a.Attr.Type == unix.IFA_FLAGS && len(a.Value) == 4:
			flags = binary.NativeEndian.Uint32(a.Value)
		}
	}
	waits := flags&unix.IFA_F_TENTATIVE != 0 && flags&unix.IFA_F_OPTIMISTIC == 0
	return addr, addr.IsValid() && (waits || flags&unix.IFA_F_DADFAILED != 0)
}
