package source

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"
)

// MostHolds is how many there may be.
const MostHolds = 10_000

// ErrTooManyHolds says that there is no room for one more.
var ErrTooManyHolds = errors.New("there are too many pauses and drains: resume some, or name networks instead of addresses")

// holds are all there are, one for a network at most. Of several that an address is
// in, the one on the smallest network counts. It is never changed once made; nil has
// none.
type holds struct {
	list  []Hold
	table *bart.Table[int] // the place in list
}

func newHolds(list []Hold) *holds {
	if len(list) == 0 {
		return nil
	}
	h := &holds{list: list, table: &bart.Table[int]{}}
	for i := range list {
		h.table.Insert(list[i].Network, i)
	}
	return h
}

// of is the hold that counts for an address; the zero Hold: none.
func (h *holds) of(a netip.Addr, now time.Time) Hold {
	if h == nil {
		return Hold{}
	}
	i, found := h.table.Lookup(a)
	if !found {
		return Hold{}
	}
	if one := &h.list[i]; !one.over(now) {
		return *one
	}
	return h.wider(netip.PrefixFrom(a, a.BitLen()), now)
}

// wider is the smallest hold around a network whose time is not up. It looks at all,
// which is seldom needed: those that are over are soon removed.
func (h *holds) wider(p netip.Prefix, now time.Time) (found Hold) {
	if h == nil {
		return Hold{}
	}
	for i := range h.list {
		one := &h.list[i]
		if within(p, one.Network) && !one.over(now) && (!found.Network.IsValid() || one.Network.Bits() > found.Network.Bits()) {
			found = *one
		}
	}
	return found
}

// with adds a hold, which takes the place of one on the same network. Exceptions
// within it end; narrower holds go on, and may last longer.
func (h *holds) with(one Hold, now time.Time) (*holds, error) {
	list := slices.DeleteFunc(h.live(now), func(old Hold) bool {
		return old.Network == one.Network || old.Standing == Serving && within(old.Network, one.Network)
	})
	if len(list) >= MostHolds {
		return h, ErrTooManyHolds
	}
	return newHolds(append(list, one)), nil
}

// without ends the holds within a network. Where a wider one goes on, the network is
// an exception from it for as long as it lasts.
func (h *holds) without(p netip.Prefix, by string, now time.Time) (after *holds, ended []Hold, err error) {
	if h == nil {
		return nil, nil, nil
	}
	list := slices.DeleteFunc(h.live(now), func(old Hold) bool {
		inside := within(old.Network, p)
		if inside && old.Standing != Serving {
			ended = append(ended, old)
		}
		return inside
	})
	after = newHolds(list)
	around := after.wider(p, now)
	if around.Standing == Serving { // none, or an exception already
		return after, ended, nil
	}
	if len(list) >= MostHolds {
		return h, nil, ErrTooManyHolds
	}
	exception := Hold{Network: p, Standing: Serving, Since: now, Until: around.Until, By: by}
	return newHolds(append(list, exception)), append(ended, around), nil
}

// live is a list of those whose time is not up.
func (h *holds) live(now time.Time) []Hold {
	if h == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(h.list), func(one Hold) bool { return one.over(now) })
}

// within says whether all of one network is in another.
func within(inner, outer netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
