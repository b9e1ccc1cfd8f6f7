package rules

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// destinations finds an entry that an address and a port are in. Entries of a
// wide network are in force in the narrower ones too, so each network knows the
// next wider one. It is not changed once made.
type destinations struct {
	key     Key
	table   bart.Table[*node]
	entries []Destination
	ports   []portRange // of all entries, for a destination with no address yet
	always  []span      // the ports that entries for every address have
}

// node is the entries of one network.
type node struct {
	spans []span // in order, both ends ascending
	wider *node  // nil: none, or every port is decided here
}

// span is a range of ports and the place of the entry that has it.
type span struct {
	portRange
	entry int32
}

func newDestinations(key Key, entries []Destination) *destinations {
	d := &destinations{key: key, entries: entries}
	byPrefix := map[netip.Prefix][]span{}
	for i, e := range entries {
		ranges := e.ports
		if ranges == nil {
			ranges = []portRange{everyPort}
		}
		d.ports = append(d.ports, ranges...)
		for _, r := range ranges {
			if !e.prefix.IsValid() {
				d.always = append(d.always, span{r, int32(i)})
			}
			for _, p := range e.prefixes() {
				byPrefix[p] = append(byPrefix[p], span{r, int32(i)})
			}
		}
	}
	d.ports, d.always = joined(d.ports), ascending(d.always)
	d.fill(byPrefix)
	return d
}

// fill puts the networks into the table, the wider before the narrower, so that
// what a narrower one finds there is the next wider one.
func (d *destinations) fill(byPrefix map[netip.Prefix][]span) {
	order := make([]netip.Prefix, 0, len(byPrefix))
	for p := range byPrefix {
		order = append(order, p)
	}
	slices.SortFunc(order, func(a, b netip.Prefix) int { return cmp.Compare(a.Bits(), b.Bits()) })
	for _, p := range order {
		n := &node{spans: ascending(byPrefix[p])}
		if len(n.spans) > 1 || n.spans[0].portRange != everyPort {
			n.wider, _ = d.table.Lookup(p.Addr())
		}
		d.table.Insert(p, n)
	}
}

// ascending sorts spans, and takes out those that lie within another, so that of
// all that begin at or below a port the last reaches furthest.
func ascending(list []span) []span {
	slices.SortFunc(list, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.entry, b.entry))
	})
	all := make([]span, 0, len(list))
	next := 0 // the lowest port above all so far
	for _, s := range list {
		if int(s.high) < next {
			continue
		}
		next = int(s.high) + 1
		all = append(all, s)
	}
	return all
}

// find returns the rule of a canonical address and a port; ok is false when
// there is none, and the rule then the key alone.
func (d *destinations) find(a netip.Addr, port uint16) (r Rule, ok bool) {
	for n, _ := d.table.Lookup(a); n != nil; n = n.wider {
		if i, ok := search(n.spans, port); ok {
			return d.rule(i), true
		}
	}
	return Rule{Key: d.key}, false
}

// anywhere returns the rule that has the port at every address.
func (d *destinations) anywhere(port uint16) (r Rule, ok bool) {
	i, ok := search(d.always, port)
	if !ok {
		return Rule{Key: d.key}, false
	}
	return d.rule(i), true
}

// somewhere says whether any entry has the port.
func (d *destinations) somewhere(port uint16) bool {
	i, found := slices.BinarySearchFunc(d.ports, port, func(r portRange, port uint16) int { return cmp.Compare(r.low, port) })
	return found || i > 0 && port <= d.ports[i-1].high
}

func (d *destinations) rule(entry int32) Rule {
	return Rule{Key: d.key, Index: int(entry) + 1, Entry: d.entries[entry].text}
}

// covers returns the rule of an entry that has all of another's addresses and
// ports. Where it takes several entries together, it finds none.
func (d *destinations) covers(e Destination) (r Rule, ok bool) {
	ranges := e.ports
	if ranges == nil {
		ranges = []portRange{everyPort}
	}
	for _, p := range e.prefixes() {
		for _, want := range ranges {
			if r, ok = d.coversRange(p, want); !ok {
				return r, false
			}
		}
	}
	return r, ok
}

func (d *destinations) coversRange(p netip.Prefix, want portRange) (Rule, bool) {
	for n, _ := d.table.LookupPrefix(p); n != nil; n = n.wider {
		for _, s := range n.spans {
			if s.low <= want.low && want.high <= s.high {
				return d.rule(s.entry), true
			}
		}
	}
	return Rule{}, false
}

func search(spans []span, port uint16) (entry int32, ok bool) {
	i, found := slices.BinarySearchFunc(spans, port, func(s span, port uint16) int { return cmp.Compare(s.low, port) })
	if !found {
		i--
	}
	if i < 0 || port > spans[i].high {
		return 0, false
	}
	return spans[i].entry, true
}
