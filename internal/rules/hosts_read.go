package rules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// The widest subnets that are taken for neighbours. A tunnel whose address was
// given without a length, and so has /0, does not make a neighbour of everybody.
const (
	widestIPv4 = 8
	widestIPv6 = 32
)

// ReadHost reads the addresses of this machine: those of its interfaces, the
// broadcast addresses of their subnets, and on Linux the routes of type local,
// by which it has whole networks as its own. Addresses beside an error are what
// could be read.
func ReadHost() (Addresses, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return Addresses{}, fmt.Errorf("interface addresses: %w", err)
	}
	var all Addresses
	for _, one := range list {
		if ip, ok := one.(*net.IPNet); ok {
			all.add(ip)
		}
	}
	routes, err := localRoutes()
	if err != nil {
		err = fmt.Errorf("local routes: %w", err)
	}
	if unready := all.ready(all.own, routes); unready != nil {
		err = errors.Join(err, fmt.Errorf("addresses that may be bound: %w", unready))
	}
	all.Local = append(all.Local, routes...)
	if len(all.Local) == 0 {
		err = errors.Join(err, errNoAddresses)
	}
	return all, err
}

// add notes an interface's address with its subnet.
func (a *Addresses) add(ip *net.IPNet) {
	addr, ok := netip.AddrFromSlice(ip.IP)
	bits, size := ip.Mask.Size()
	if !ok || size == 0 {
		return
	}
	addr = canonical(addr)
	bits -= size - addr.BitLen() // the mask of an IPv4 address may be written for IPv6
	subnet, err := addr.Prefix(bits)
	if err != nil {
		return
	}
	single := netip.PrefixFrom(addr, addr.BitLen())
	a.own = append(a.own, single)
	a.Local = append(a.Local, single)
	if addr.Is4() && bits < 31 { // RFC 3021: a subnet of two addresses has no broadcast
		a.Local = append(a.Local, netip.PrefixFrom(lastOf(subnet), 32))
	}
	if addr.Is4() && bits >= widestIPv4 || addr.Is6() && bits >= widestIPv6 {
		a.Attached = append(a.Attached, subnet)
	}
}

// lastOf is the broadcast address of an IPv4 subnet.
func lastOf(subnet netip.Prefix) netip.Addr {
	b := subnet.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|(1<<(32-subnet.Bits())-1))
	return netip.AddrFrom4(b)
}
