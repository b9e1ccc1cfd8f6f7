package data

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func cidrModule() spec.Module {
	return module("kumo.cidr", "Maps from networks to values.", []function{
		newLookup("make_map", "Makes a map by address. Keys are addresses, networks such as '10.0.0.0/8', 'any', and addresses with a port, which does not count: '192.0.2.1:25', '[::1]:25', '[::1]'. An IPv4 address written as IPv6 (::ffff:192.0.2.1) is that IPv4 address.",
			cidrKind, func() table { return newCIDRTable() }),
	}, cidrKind.spec())
}

type cidrTable struct{ networks *bart.Table[any] }

func newCIDRTable() cidrTable { return cidrTable{new(bart.Table[any])} }

func (t cidrTable) clone() table { return cidrTable{t.networks.Clone()} }

// get takes what is no address as not in the map, as KumoMTA's documentation has it.
func (t cidrTable) get(key string) (v any, found bool, err error) {
	networks, err := parseNetworks(key)
	if err != nil || len(networks) != 1 {
		return nil, false, nil
	}
	v, found = t.networks.LookupPrefix(networks[0])
	return v, found, nil
}

func (t cidrTable) set(key string, v any) error {
	networks, err := parseNetworks(key)
	if err != nil {
		return err
	}
	for _, network := range networks {
		if v == nil {
			t.networks.Delete(network)
		} else {
			t.networks.Insert(network, v)
		}
	}
	return nil
}

var errNoNetwork = errors.New("expected an address, a network such as 10.0.0.0/8, or an address with a port")

// hostBitsError: a network with bits behind its length, which is more often a
// slip than meant.
type hostBitsError struct{ network netip.Prefix }

func (e *hostBitsError) Error() string {
	return fmt.Sprintf("%s has bits set behind its length; did you mean %s?", e.network, e.network.Masked())
}

// parseNetworks reads a key: one network, or for 'any' all of both families.
func parseNetworks(key string) ([]netip.Prefix, error) {
	if key == "any" {
		return []netip.Prefix{
			netip.PrefixFrom(netip.IPv4Unspecified(), 0),
			netip.PrefixFrom(netip.IPv6Unspecified(), 0),
		}, nil
	}
	if network, err := netip.ParsePrefix(key); err == nil {
		if network != network.Masked() {
			return nil, &hostBitsError{network}
		}
		return []netip.Prefix{unmapped(network)}, nil
	}
	addr, err := netip.ParseAddr(withoutPort(key))
	if err != nil {
		return nil, errNoNetwork
	}
	addr = addr.Unmap().WithZone("")
	return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}, nil
}

// unmapped is a network of IPv4 addresses written as IPv6 as what it means.
func unmapped(network netip.Prefix) netip.Prefix {
	const mappedBits = 96
	if network.Addr().Is4In6() && network.Bits() >= mappedBits {
		return netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-mappedBits)
	}
	return network
}

// withoutPort takes the address out of [ip], [ip]:port and ip:port. A bare IPv6
// address has no port.
func withoutPort(key string) string {
	if inner, isBracketed := strings.CutPrefix(key, "["); isBracketed {
		host, port, closed := strings.Cut(inner, "]")
		if closed && (port == "" || port[0] == ':') {
			return host
		}
		return key
	}
	if host, _, hasPort := strings.Cut(key, ":"); hasPort && strings.Count(key, ":") == 1 {
		return host
	}
	return key
}
