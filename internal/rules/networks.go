package rules

import (
	"net/netip"

	"github.com/gaissmai/bart"
)

// networks finds the entry that an address is in: the most specific one, and of
// equal ones the first. It is not changed once made.
type networks struct {
	key     Key
	table   bart.Table[int32] // the place in entries
	entries []Network
}

func newNetworks(key Key, entries []Network) *networks {
	n := &networks{key: key, entries: entries}
	for i, e := range entries {
		for _, p := range e.prefixes() {
			if _, taken := n.table.Get(p); !taken {
				n.table.Insert(p, int32(i))
			}
		}
	}
	return n
}

// find returns the rule of a canonical address; ok is false when there is none,
// and the rule then the key alone.
func (n *networks) find(a netip.Addr) (r Rule, ok bool) {
	i, ok := n.table.Lookup(a)
	if !ok {
		return Rule{Key: n.key}, false
	}
	return Rule{Key: n.key, Index: int(i) + 1, Entry: n.entries[i].text}, true
}

// Clients is a list of networks by itself, from where something is allowed: whose
// PROXY headers are believed. It never changes, and may be asked from any goroutine.
type Clients struct{ networks *networks }

// NewClients makes the list that a policy has under a key.
func NewClients(key Key, entries []Network) *Clients { return &Clients{newNetworks(key, entries)} }

// Judge says whether an address is in the list.
func (c *Clients) Judge(client netip.Addr) Verdict {
	r, ok := c.networks.find(canonical(client))
	if !ok {
		return denied(ClientNotListed, r)
	}
	return allowed(r)
}

// union is the addresses of several entries taken together.
func union(entries []Network) *bart.Lite {
	all := &bart.Lite{}
	for _, e := range entries {
		for _, p := range e.prefixes() {
			all.Insert(p)
		}
	}
	all.Aggregate()
	return all
}
