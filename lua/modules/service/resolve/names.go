package resolve

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

var errAddress = errors.New("expected an IP address")

// parseAddress reads an address, with a port or without.
func parseAddress(text string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.WithZone("").Unmap(), nil
	}
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().WithZone("").Unmap(), nil
	}
	return netip.Addr{}, errAddress
}

// reversed is the address as it stands in names: 1.0.0.127.
func reversed(addr netip.Addr) string {
	var labels []string
	if addr.Is4() {
		for _, b := range addr.As4() {
			labels = append(labels, fmt.Sprint(b))
		}
	} else {
		bytes := addr.As16()
		labels = strings.Split(hex.EncodeToString(bytes[:]), "")
	}
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

// pointerName is the name that has the PTR records of an address, without a dot
// behind it. https://www.rfc-editor.org/rfc/rfc3596#section-2.5
func pointerName(addr netip.Addr) string {
	if addr.Is4() {
		return reversed(addr) + ".in-addr.arpa"
	}
	return reversed(addr) + ".ip6.arpa"
}

// siteName names a set of hosts, whatever their order: what the names have in
// common stands once, the rest in brackets, as in (a|b)?.mx.example.
func siteName(hosts []string) string {
	root := &label{}
	for _, host := range hosts {
		root.add(strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), "."))
	}
	name, _ := root.below()
	return name
}

// label is a part of names between two dots, in a tree whose root is the end of
// all names.
type label struct {
	ends  bool // a name begins here
	parts map[string]*label
}

func (l *label) add(labels []string) {
	if len(labels) == 0 {
		l.ends = true
		return
	}
	if l.parts == nil {
		l.parts = map[string]*label{}
	}
	last := labels[len(labels)-1]
	if l.parts[last] == nil {
		l.parts[last] = &label{}
	}
	l.parts[last].add(labels[:len(labels)-1])
}

// below is what may stand before the label; compound says that a mark behind it
// needs brackets.
func (l *label) below() (text string, compound bool) {
	var choices []string
	for _, name := range slices.Sorted(maps.Keys(l.parts)) {
		choice := escaped(name)
		part := l.parts[name]
		if before, several := part.below(); before != "" {
			if part.ends {
				if several {
					before = "(" + before + ")"
				}
				before += "?"
			}
			choice, compound = before+"."+choice, true
		}
		choices = append(choices, choice)
	}
	if len(choices) > 1 {
		return "(" + strings.Join(choices, "|") + ")", false
	}
	return strings.Join(choices, ""), compound
}

// escaped is a label without the marks of a site name.
func escaped(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_*", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
