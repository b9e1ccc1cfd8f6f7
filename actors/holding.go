package actors

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/source"
)

// Sources may be paused, drained or not plumbed. Who asks for such a one is told so,
// and asks for another; where the policy chooses, it chooses another by itself.

// heldSource is why a source may not be used that somebody has paused or drained.
type heldSource struct {
	addr netip.Addr
	hold source.Hold
}

func (h *heldSource) Error() string {
	text := fmt.Sprintf("%v is %v, by %s", h.addr, h.hold.Standing, h.hold.By)
	if h.hold.Reason != "" {
		text += ": " + h.hold.Reason
	}
	return text
}

// heldBack says why the source that was asked for may not be used now, ReasonNone if
// it may.
func (m *machine) heldBack(now time.Time) Reason {
	if m.unbound() {
		return ReasonNone
	}
	verdict, hold := m.limits.sources.Judge(m.source.Addr(), m.limits.rules.Freebind(m.source.Addr()), now)
	switch verdict {
	case source.IsPaused:
		m.why = &heldSource{m.source.Addr(), hold}
		return ReasonSourcePaused
	case source.IsDraining:
		m.why = &heldSource{m.source.Addr(), hold}
		return ReasonSourceDraining
	case source.IsUnplumbed:
		return ReasonSourceUnplumbed
	}
	return ReasonNone
}

// instead is a source out of those that the rules have for clients who choose none,
// where the one that the policy's handler has chosen may not be used. It is of the
// same family. ok is false if it may, or there is none.
func (m *machine) instead(now time.Time, chosen netip.Addr) (another netip.Addr, ok bool) {
	if _, has := m.limits.rules.Chooses(); !has || m.choosable(now, chosen) {
		return netip.Addr{}, false
	}
	return m.limits.rules.Choose(m.client, chosen, func(a netip.Addr) bool { return m.choosable(now, a) })
}

// choosable says whether a source may be chosen for a client.
func (m *machine) choosable(now time.Time, a netip.Addr) bool {
	return m.limits.sources.Choosable(a, m.limits.rules.Freebind(a), now)
}

// mostPassed is how many sources are passed by for one client because a bind of them
// failed.
const mostPassed = 8

// chooseAnother is the source for an attempt whose own could not be bound. Not valid:
// there is no other.
func (m *machine) chooseAnother(now time.Time, a attempt) netip.Addr {
	d := m.dial
	if d.passed >= mostPassed {
		return netip.Addr{}
	}
	d.passed++
	known := d.chosenFor(a.to.Addr())
	*known = netip.Addr{}
	if another := m.choose(now, a.to.Addr()); another != a.from {
		return another
	}
	return netip.Addr{}
}
