package web

import (
	"fmt"
	"net/netip"
	"time"
)

// sessionFilter says which sessions are meant: those that all of it means.
type sessionFilter struct {
	listener, user              string // "": any
	client, source, destination addressFilter
	olderThan, idleLongerThan   time.Duration
	old, idle                   bool // these are set
}

// addressFilter means an address with its port, or those of a network; nil means
// any.
type addressFilter func(netip.AddrPort) bool

func parseFilter(query map[string]string) (f sessionFilter, err error) {
	f.listener, f.user = query["listener"], query["user"]
	for _, one := range []struct {
		name string
		into *addressFilter
	}{{"client", &f.client}, {"source", &f.source}, {"destination", &f.destination}} {
		if *one.into, err = parseAddressFilter(one.name, query[one.name]); err != nil {
			return f, err
		}
	}
	f.old, f.idle = query["older_than"] != "", query["idle_longer_than"] != ""
	if f.olderThan, err = parseSpan("older_than", query["older_than"]); err != nil {
		return f, err
	}
	f.idleLongerThan, err = parseSpan("idle_longer_than", query["idle_longer_than"])
	return f, err
}

func parseAddressFilter(name, text string) (addressFilter, error) {
	if text == "" {
		return nil, nil
	}
	if exact, err := netip.ParseAddrPort(text); err == nil {
		exact = netip.AddrPortFrom(exact.Addr().Unmap(), exact.Port())
		return func(a netip.AddrPort) bool { return a == exact }, nil
	}
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap()
		return func(a netip.AddrPort) bool { return a.Addr() == address }, nil
	}
	if network, err := netip.ParsePrefix(text); err == nil {
		network = unmapped(network)
		return func(a netip.AddrPort) bool { return network.Contains(a.Addr()) }, nil
	}
	return nil, fmt.Errorf("%s: expected an address, ip:port or a network such as 192.0.2.0/24, got %q", name, cut(text))
}

func (f addressFilter) means(a netip.AddrPort) bool { return f == nil || a.IsValid() && f(a) }

// means reports whether a session is meant.
func (f *sessionFilter) means(s *Session, now time.Time) bool {
	return (f.listener == "" || s.Listener == f.listener) && (f.user == "" || s.User == f.user) &&
		f.client.means(s.Client) && f.source.means(s.Source) && f.destination.means(s.Destination) &&
		(!f.old || s.age(now) > f.olderThan) && (!f.idle || s.Idle > f.idleLongerThan)
}
