package source

import (
	"net/netip"
	"slices"
	"time"
)

// Change is what somebody wants to have decided about the sources of a network.
type Change struct {
	Network  netip.Prefix // canonical, see Canonical
	Standing Standing     // Serving: resume them
	// For is how long it lasts; 0: until they are resumed.
	For    time.Duration
	Reason string
	By     string
}

// Done is what a Change came to.
type Done struct {
	Change
	Until    time.Time // zero: until they are resumed
	Sources  []netip.Addr
	Sessions int64  // that these have, and which go on
	Ended    []Hold // by a resume: what it ended or is an exception from
}

// Canonical is the one form of a network: without bits behind its length, and not
// IPv4-mapped. ok is false for what is no network, or everything.
func Canonical(p netip.Prefix) (network netip.Prefix, ok bool) {
	p = p.Masked()
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p, p.IsValid()
}

// Apply carries a change out. Who calls it sees to it that no two do at once. The
// error is ErrTooManyHolds; then nothing was changed.
func (t *Table) Apply(c Change, now time.Time) (Done, error) {
	done := Done{Change: c}
	before := t.holds.Load()
	var after *holds
	var err error
	if c.Standing == Serving {
		after, done.Ended, err = before.without(c.Network, c.By, now)
	} else {
		if c.For > 0 {
			done.Until = now.Add(c.For).UTC().Truncate(time.Second)
		}
		after, err = before.with(Hold{
			Network: c.Network, Standing: c.Standing, Since: now.UTC().Truncate(time.Second), Until: done.Until, Reason: c.Reason, By: c.By,
		}, now)
	}
	if err != nil {
		return Done{}, err
	}
	t.holds.Store(after)
	for _, s := range t.Listed() {
		if c.Network.Contains(s.addr) {
			done.Sources = append(done.Sources, s.addr)
			done.Sessions += s.sessions.Load()
		}
	}
	slices.SortFunc(done.Sources, netip.Addr.Compare)
	return done, nil
}

// Restore takes holds over from an earlier run, or from another process, in place of
// those that there are. What it is given of the same network twice, or more than
// MostHolds, is left out. Nobody else changes the holds meanwhile.
func (t *Table) Restore(list []Hold, now time.Time) (restored int) {
	var h *holds
	for _, one := range list {
		network, ok := Canonical(one.Network)
		one.Network = network
		if !ok || one.over(now) || h != nil && slices.ContainsFunc(h.list, func(old Hold) bool { return old.Network == network }) {
			continue
		}
		if h == nil {
			h = &holds{}
		}
		if len(h.list) < MostHolds {
			h.list = append(h.list, one)
		}
	}
	if h == nil {
		t.holds.Store(nil)
		return 0
	}
	t.holds.Store(newHolds(h.list))
	return len(h.list)
}

// Expire drops the holds whose time is up, and returns them. next is when the next
// one's will be; zero: never.
func (t *Table) Expire(now time.Time) (ended []Hold, next time.Time) {
	h := t.holds.Load()
	if h == nil {
		return nil, time.Time{}
	}
	var live []Hold
	for _, one := range h.list {
		if one.over(now) {
			ended = append(ended, one)
			continue
		}
		live = append(live, one)
		if !one.Until.IsZero() && (next.IsZero() || one.Until.Before(next)) {
			next = one.Until
		}
	}
	if len(ended) > 0 {
		t.holds.Store(newHolds(live))
	}
	return ended, next
}

// Holds are those that go on, to be stored.
func (t *Table) Holds(now time.Time) []Hold { return t.holds.Load().live(now) }
