package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// namesTime is for all lookups of one address: a DNS that answers does so sooner.
const namesTime = 5 * time.Second

// MostNames is how many names of an address are looked at.
const MostNames = 4

// names looks up what an address is called, and whether one of these names leads
// back to it, as receivers do (RFC 8601 section 2.7.3, iprev).
func (p *Prober) names(ctx context.Context, a netip.Addr) (n Names) {
	ctx, cancel := context.WithTimeout(ctx, namesTime)
	defer cancel()
	all, err := p.resolver.LookupAddr(ctx, a.String())
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		err = nil
	}
	n.Err = err
	for _, name := range all[:min(len(all), MostNames)] {
		n.PTR = append(n.PTR, strings.TrimSuffix(name, "."))
		if n.Confirmed {
			continue
		}
		network := "ip6"
		if a.Is4() {
			network = "ip4"
		}
		// A name that cannot be looked up confirms nothing, and another one may.
		back, _ := p.resolver.LookupNetIP(ctx, network, name)
		n.Confirmed = slices.ContainsFunc(back, func(b netip.Addr) bool { return b.Unmap() == a })
	}
	return n
}
