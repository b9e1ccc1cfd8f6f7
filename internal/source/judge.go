package source

import (
	"net/netip"
	"time"
)

// Verdict is whether a source may be used.
type Verdict uint8

const (
	// Usable: it may.
	Usable Verdict = iota
	// IsPaused: somebody has paused it.
	IsPaused
	// IsDraining: somebody drains it.
	IsDraining
	// IsUnplumbed: it is not an address of this machine.
	IsUnplumbed
)

// Judge says whether a client that asks for a source may have it, as far as that
// is for this package. Where a bind will find out by itself whether the address is
// plumbed, that is left to it, since the bind is never late. free says that it need
// not be.
func (t *Table) Judge(a netip.Addr, free bool, now time.Time) (Verdict, Hold) {
	if t == nil {
		return Usable, Hold{}
	}
	a = a.Unmap().WithZone("")
	hold := t.holds.Load().of(a, now)
	switch {
	case hold.Standing == Paused:
		return IsPaused, hold
	case hold.Standing == Draining:
		return IsDraining, hold
	case free || t.host == nil || !t.host.BindsAny(a):
		return Usable, Hold{}
	}
	if plumbed, known := t.host.Plumbed(a); known && !plumbed {
		return IsUnplumbed, Hold{}
	}
	return Usable, Hold{}
}

// Choosable says whether a source may be chosen for a client that has chosen none:
// nobody holds it back, and it is plumbed as far as is known. free says that it need
// not be.
func (t *Table) Choosable(a netip.Addr, free bool, now time.Time) bool {
	if t == nil {
		return true
	}
	if t.holds.Load().of(a, now).Standing != Serving {
		return false
	}
	if free {
		return true
	}
	if t.host != nil {
		if plumbed, known := t.host.Plumbed(a); known && !plumbed {
			return false
		}
	}
	return !t.peek(a).unboundLately(now)
}

// Plumbing says whether a source is plumbed.
func (t *Table) Plumbing(s *Source) Plumbing {
	if p := t.plumbing(s.addr); p != PlumbingUnknown {
		return p
	}
	return s.byBinds()
}

// plumbing is what the host knows of an address; where it does not, only a bind would
// tell, or a pool asks for the address although the host need not have it.
func (t *Table) plumbing(a netip.Addr) Plumbing {
	plumbed, known := false, false
	if t.host != nil {
		plumbed, known = t.host.Plumbed(a)
	}
	free := t.free.Load()
	switch {
	case known && plumbed:
		return Plumbed
	case free != nil && free.Contains(a):
		return Freebound
	case known:
		return Unplumbed
	}
	return PlumbingUnknown
}

// Look says what is known of any address, and lists none for it: whether the host
// has it, PlumbingUnknown where only a bind would tell, and what holds it back.
func (t *Table) Look(a netip.Addr, now time.Time) (Plumbing, Hold) {
	if t == nil {
		return PlumbingUnknown, Hold{}
	}
	a = a.Unmap().WithZone("")
	hold := t.holds.Load().of(a, now)
	return t.plumbing(a), hold
}
