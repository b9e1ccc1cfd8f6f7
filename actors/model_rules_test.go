package actors

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/troupe-proxy/troupe/internal/rules"
)

// plainRules are a listener's rules, and what they mean.
type plainRules struct {
	spec    rules.Spec
	deny    []netip.Addr
	sources []netip.Addr // that may be bound; nil: all
	choice  []netip.Addr // for who binds none
	require bool
	noNames bool
}

// someRules are drawn at random; most sessions have none but those by default.
func someRules(t *testing.T, rng *rand.Rand) *plainRules {
	t.Helper()
	p := &plainRules{}
	if rng.IntN(3) > 0 {
		return p
	}
	if rng.IntN(2) == 0 {
		p.spec.DenyDestinations = destinationList(t, "192.0.2.1", "192.0.2.9", "2001:db8::1")[:1+rng.IntN(3)]
		p.deny = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::1")}[:len(p.spec.DenyDestinations)]
	}
	switch rng.IntN(4) {
	case 0:
		p.spec.AllowSources, p.sources, p.require = networks(t, ourSide.Addr().String()), []netip.Addr{ourSide.Addr()}, true
	case 1:
		p.spec.AllowSources, p.sources = networks(t, "192.0.2.200"), []netip.Addr{netip.MustParseAddr("192.0.2.200")}
		p.spec.RequireSource = new(bool)
	case 2:
		p.spec.Source = networks(t, ourSide.Addr().String(), "2001:db8::50")
		p.choice = []netip.Addr{ourSide.Addr(), netip.MustParseAddr("2001:db8::50")}
	}
	p.spec.ForbidNames = rng.IntN(2) == 0
	p.noNames = p.spec.ForbidNames
	return p
}

// checkRules: nothing is dialled that is denied, and nothing from a source that
// is not the one to be used.
func (w *model) checkRules(to netip.AddrPort) error {
	p, bound := w.spec, w.source.IsValid() && !w.source.IsUnspecified()
	if err := w.check(!slices.Contains(p.deny, to.Addr()), "dials %v, which is denied", to); err != nil {
		return err
	}
	if err := w.check(bound || len(p.choice) == 0 && !p.require, "dials %v from any source", to); err != nil {
		return err
	}
	if err := w.check(!w.crowd.full(w.source, to.Addr()), "dials %v from %v beyond a limit", to, w.source); err != nil {
		return err
	}
	return w.check(!bound || w.source.Is4() == to.Addr().Is4(), "dials %v from %v", to, w.source)
}

func (w *model) bind(a *action) error {
	ip := a.addr.Addr()
	if err := w.check(w.spec.sources == nil || slices.Contains(w.spec.sources, ip), "binds %v, which is not allowed", ip); err != nil {
		return err
	}
	ev := event{kind: evBound, addr: a.addr}
	if w.rng.IntN(4) == 0 {
		ev.err = []error{syscall.EADDRNOTAVAIL, syscall.EADDRINUSE, syscall.EMFILE, syscall.EMFILE}[w.rng.IntN(4)]
	}
	if ev.err == nil {
		w.source = ip
	}
	w.binding = &ev
	return cmp.Or(w.check(!w.closing && !w.relaying, "binds when over"), w.checkHeadSource(ip))
}
