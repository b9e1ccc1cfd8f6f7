package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/value"
)

// exchangers are where mail for a domain goes.
type exchangers struct {
	domain  string // with a dot behind it
	literal bool   // the domain is an address in brackets
	isMX    bool   // there are MX records
	all     []exchanger
}

// lookupMX finds them. Without MX records the domain itself takes its mail, if it
// has addresses. https://www.rfc-editor.org/rfc/rfc5321#section-5.1
func lookupMX(ctx context.Context, r resolver, domain string) (exchangers, error) {
	if inside, ok := strings.CutPrefix(domain, "["); ok {
		return literal(domain, strings.TrimSuffix(inside, "]"))
	}
	name := strings.ToLower(absolute(domain))
	found, err := r.mx(ctx, name)
	if err == nil && len(found) > 0 {
		for i := range found {
			found[i].host = strings.ToLower(absolute(found[i].host))
		}
		inOrder(found)
		return exchangers{domain: name, isMX: true, all: slices.Compact(found)}, nil
	}
	if err != nil && !errors.Is(err, errNoName) {
		return exchangers{}, err
	}
	// The system's resolver does not tell the two: whoever has addresses is there.
	if errors.Is(err, errNoName) {
		if _, err := lookupIP(ctx, r, name, bothFamilies); err != nil {
			return exchangers{}, err
		}
	}
	return exchangers{domain: name, all: []exchanger{{preference: 1, host: name}}}, nil
}

func literal(domain, inside string) (exchangers, error) {
	inside = strings.TrimPrefix(inside, "IPv6:")
	addr, err := netip.ParseAddr(inside)
	if err != nil {
		return exchangers{}, errAddress
	}
	return exchangers{domain: domain, literal: true, all: []exchanger{{preference: 1, host: addr.String()}}}, nil
}

// table is what lookup_mx returns.
func (x exchangers) table(L *lua.LState) lua.LValue {
	var hosts []string
	preferences := L.NewTable()
	for _, e := range x.all {
		hosts = append(hosts, e.host)
		level, ok := preferences.RawGetInt(int(e.preference)).(*lua.LTable)
		if !ok {
			level = L.NewTable()
			preferences.RawSetInt(int(e.preference), level)
		}
		level.Append(lua.LString(e.host))
	}
	t := L.NewTable()
	t.RawSetString("by_pref", preferences)
	t.RawSetString("hosts", value.FromGo(L, hosts))
	t.RawSetString("site_name", lua.LString(siteName(hosts)))
	t.RawSetString("domain_name", lua.LString(x.domain))
	t.RawSetString("is_domain_literal", lua.LBool(x.literal))
	t.RawSetString("is_mx", lua.LBool(x.isMX))
	return t
}

// bothFamilies is the order in which addresses come unless a strategy says
// another.
const bothFamilies = "Ipv4AndIpv6"

var errStrategy = errors.New("expected the strategy Ipv4Only, Ipv6Only, Ipv4AndIpv6, Ipv4thenIpv6 or Ipv6thenIpv4")

// networks are the families of a strategy; first means that the second is asked
// only if the first has no address.
func networks(strategy string) (all []string, first bool, err error) {
	switch strategy {
	case "Ipv4Only":
		return []string{"ip4"}, false, nil
	case "Ipv6Only":
		return []string{"ip6"}, false, nil
	case bothFamilies:
		return []string{"ip4", "ip6"}, false, nil
	case "Ipv4thenIpv6":
		return []string{"ip4", "ip6"}, true, nil
	case "Ipv6thenIpv4":
		return []string{"ip6", "ip4"}, true, nil
	}
	return nil, false, errStrategy
}

// lookupIP finds the addresses of a name. It is errNoName when neither family has
// any.
func lookupIP(ctx context.Context, r resolver, name, strategy string) ([]netip.Addr, error) {
	families, first, err := networks(strategy)
	if err != nil {
		return nil, err
	}
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return []netip.Addr{addr}, nil
	}
	var all []netip.Addr
	for _, network := range families {
		found, err := r.ip(ctx, network, name)
		if err != nil && !errors.Is(err, errNoName) {
			return nil, err
		}
		if all = append(all, found...); first && len(all) > 0 {
			break
		}
	}
	if len(all) == 0 {
		return nil, errNoName
	}
	return all, nil
}

// lookupList asks a list of addresses, such as a blocklist, about one of them.
// https://www.rfc-editor.org/rfc/rfc5782#section-2
func lookupList(ctx context.Context, r resolver, addr netip.Addr, zone string) (listed, why string, err error) {
	name := reversed(addr) + "." + absolute(zone)
	found, err := r.ip(ctx, "ip4", name)
	if errors.Is(err, errNoName) || err == nil && len(found) == 0 {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	reasons, err := r.txt(ctx, name)
	if err != nil && !errors.Is(err, errNoName) {
		return "", "", err
	}
	if len(reasons) > 0 {
		why = reasons[0]
	}
	return found[0].String(), why, nil
}
