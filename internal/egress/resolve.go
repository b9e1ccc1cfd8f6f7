package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// ResolutionDelay is how long IPv4 addresses are held back for IPv6 addresses
// that may still come, RFC 8305 section 3.
const ResolutionDelay = 50 * time.Millisecond

// Resolver looks names up; *net.Resolver is one. The network is "ip4" or "ip6".
// LookupNetIP is called by two goroutines at once and must return soon after
// ctx ends.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Resolve looks up the addresses of host and calls emit, on the caller's
// goroutine, once or twice, with last=true the last time. It blocks until the
// resolver has answered or ctx ends, and leaves no goroutine behind. To end it
// early, as when an attempt has connected, cancel ctx: emit is still called with
// last.
//
// With Any it asks for both families side by side and emits as soon as RFC 8305
// section 3 lets a connection begin: when IPv6 addresses are there, or IPv4
// addresses are and IPv6 has had ResolutionDelay. What is found later follows.
//
// With one family it asks for that one. Only if the name is not found does it
// ask for the other, and emits what it finds, so that a Race can tell a name
// without addresses of this family from no name at all.
//
// err is not nil only when last is and no address was emitted: the resolver's,
// or the context's if that ended first. Classify understands both. The slice of
// addresses is the callee's; they are neither IPv4-mapped nor do they have a
// zone. A host that spells an IP address is that address, and no resolver is
// asked.
func Resolve(ctx context.Context, r Resolver, host string, family Family, emit func(addrs []netip.Addr, last bool, err error)) {
	if addr, err := netip.ParseAddr(host); err == nil {
		emit([]netip.Addr{canonical(addr)}, true, nil)
		return
	}
	l := &lookup{ctx: ctx, resolver: r, host: host, emit: emit}
	if family == Any {
		l.both()
	} else {
		l.one(family)
	}
}

// lookup is one call of Resolve.
type lookup struct {
	ctx      context.Context
	resolver Resolver
	host     string
	emit     func([]netip.Addr, bool, error)

	found bool  // an address was emitted
	err   error // what to report if none is
}

// answer is what the resolver said of one family.
type answer struct {
	family Family
	addrs  []netip.Addr
	err    error
}

func (l *lookup) ask(family Family) answer {
	found, err := l.resolver.LookupNetIP(l.ctx, family.network(), l.host)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no such host", Name: l.host, IsNotFound: true}
	}
	// A slice of our own: a resolver with a cache may lend out the same one.
	addrs := make([]netip.Addr, len(found))
	for i, addr := range found {
		addrs[i] = canonical(addr)
	}
	return answer{family, addrs, err}
}

// askBeside is ask on a goroutine of its own, which ends with the lookup.
func (l *lookup) askBeside(family Family, answers chan<- answer) {
	answers <- l.ask(family)
}

// both asks for the two families side by side.
func (l *lookup) both() {
	answers := make(chan answer, 2) // room for both, should emit panic
	go l.askBeside(IPv6, answers)
	go l.askBeside(IPv4, answers)

	var held []netip.Addr // IPv4 addresses that wait for the answer about IPv6
	var delay <-chan time.Time
	for pending := 2; pending > 0; {
		select {
		case a := <-answers:
			pending--
			l.err = worse(l.err, a.err)
			switch {
			case pending == 0:
				l.last(append(a.addrs, held...))
			case a.family == IPv4 && len(a.addrs) > 0:
				held, delay = a.addrs, time.After(ResolutionDelay)
			case len(a.addrs) > 0:
				l.first(a.addrs)
			}
		case <-delay:
			l.first(held)
			held = nil
		}
	}
}

// one asks for one family, and for the other if the name is not found. What the
// first lookup failed with stands: the second can but explain it.
func (l *lookup) one(family Family) {
	a := l.ask(family)
	l.err = a.err
	if Classify(a.err) == NameNotFound {
		a = l.ask(family.other())
	}
	l.last(a.addrs)
}

// worse is the error to report of two lookups. A failed one leaves open whether
// the name has addresses, so it goes before a name that is not found.
func worse(a, b error) error {
	if b == nil || a != nil && Classify(a) != NameNotFound {
		return a
	}
	return b
}

func (l *lookup) first(addrs []netip.Addr) {
	l.found = true
	l.emit(addrs, false, nil)
}

// last emits what is left or, when nothing was ever found, why. If the context
// has ended, that is why, though a lookup may have said so first in its own way.
func (l *lookup) last(addrs []netip.Addr) {
	switch {
	case l.found || len(addrs) > 0:
		l.emit(addrs, true, nil)
	case l.ctx.Err() != nil:
		l.emit(nil, true, fmt.Errorf("lookup %q: %w", l.host, l.ctx.Err()))
	default:
		l.emit(nil, true, l.err)
	}
}
