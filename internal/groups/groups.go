package groups

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
)

// Most is how many groups there may be.
const Most = 255

// Group is a group as a policy has it. It is plain data.
type Group struct {
	Name    string
	Entries []Entry
}

// ID is the number of a group in its table; None is that of no group.
type ID uint8

// None is the group of what is in no group.
const None ID = 0

// Table finds groups. It never changes and may be asked from any goroutine; that of
// a policy without groups is nil and finds none.
type Table struct {
	titles   []string // by ID
	networks bart.Table[ID]
	names    map[string]ID // in small letters, without the root
	suffixes map[string]ID // of names: what stands behind the star, from its dot on
}

// ErrTooMany says that there are more than Most groups.
var ErrTooMany = fmt.Errorf("more than %d groups", Most)

// Compile makes a table of groups, of which each name stands once. The error is
// ErrTooMany or a *Conflict.
func Compile(all []Group) (*Table, error) {
	switch {
	case len(all) == 0:
		return nil, nil
	case len(all) > Most:
		return nil, ErrTooMany
	}
	t := &Table{titles: []string{""}, names: map[string]ID{}, suffixes: map[string]ID{}}
	for _, g := range all {
		id := ID(len(t.titles))
		t.titles = append(t.titles, g.Name)
		for i, e := range g.Entries {
			if first, taken := t.add(e, id); taken {
				return nil, &Conflict{Group: g.Name, Index: i + 1, Entry: e.String(), First: t.titles[first]}
			}
		}
	}
	return t, nil
}

// add notes an entry, unless another group has the same.
func (t *Table) add(e Entry, id ID) (first ID, taken bool) {
	switch {
	case strings.HasPrefix(e.name, "*"):
		return put(t.suffixes, e.name[1:], id)
	case e.name != "":
		return put(t.names, e.name, id)
	}
	for _, p := range e.network.Prefixes() {
		if first, found := t.networks.Get(p); found && first != id {
			return first, true
		}
		t.networks.Insert(p, id)
	}
	return None, false
}

func put(m map[string]ID, key string, id ID) (first ID, taken bool) {
	if first, found := m[key]; found && first != id {
		return first, true
	}
	m[key] = id
	return None, false
}

// Address is the group of an address: of the networks that it is in, the most
// specific one's.
func (t *Table) Address(a netip.Addr) ID {
	if t == nil {
		return None
	}
	id, _ := t.networks.Lookup(a.Unmap().WithZone(""))
	return id
}

// Name is the group of a name: that which has it, or else the longest ending of it.
func (t *Table) Name(host string) ID {
	if t == nil || len(t.names)+len(t.suffixes) == 0 {
		return None
	}
	host = canonicalName(host)
	if id, found := t.names[host]; found {
		return id
	}
	for rest := host; ; {
		i := strings.IndexByte(rest, '.')
		if i < 0 {
			return None
		}
		rest = rest[i:]
		if id, found := t.suffixes[rest]; found {
			return id
		}
		rest = rest[1:]
	}
}

// Title is what the policy calls a group; None has none.
func (t *Table) Title(id ID) string {
	if t == nil {
		return ""
	}
	return t.titles[id]
}

// Titles are the groups, in the order of the policy.
func (t *Table) Titles() []string {
	if t == nil {
		return nil
	}
	return slices.Clone(t.titles[1:])
}

// Conflict is an entry that two groups have.
type Conflict struct {
	Group string // the second
	Index int    // the place of the entry there, from 1
	Entry string
	First string // the other group
}

func (c *Conflict) Error() string {
	return fmt.Sprintf("%s has %q, which is in %s already", c.Group, c.Entry, c.First)
}
