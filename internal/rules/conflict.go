package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// Clash is why settings make no sense together, or an entry in its place.
type Clash uint8

const (
	// SourceNotAllowed: a source is not within allow_sources.
	SourceNotAllowed Clash = iota + 1
	// SourceUnusable: nothing can be sent from it.
	SourceUnusable
	// SourceUnused: a source is given, and every client has to bind its own.
	SourceUnused
	// SourceFamily: no source reaches any of allow_destinations.
	SourceFamily
	// ChoiceWithoutSource: there is nothing to choose from.
	ChoiceWithoutSource
	// PoolTooLarge: the addresses of a pool are too many to go round.
	PoolTooLarge
	// NoFreebind: sources cannot be bound without being plumbed on this system.
	NoFreebind
	// AllowedAndDenied: what one entry allows another denies.
	AllowedAndDenied
)

// Conflict is one thing that does not fit.
type Conflict struct {
	Key   Key
	Index int // of the entry, from 1; 0: the key as a whole
	Entry string
	Clash Clash
	Other Rule // what it clashes with, where that is an entry
}

func (c *Conflict) Error() string {
	if c.Index > 0 {
		return fmt.Sprintf("%s[%d]: %s", c.Key, c.Index, c.Why())
	}
	return string(c.Key) + ": " + c.Why()
}

// Why says what does not fit, without the key.
func (c *Conflict) Why() string {
	switch c.Clash {
	case SourceNotAllowed:
		return fmt.Sprintf("%q is not within allow_sources", c.Entry)
	case SourceUnusable:
		return fmt.Sprintf("expected an address that can be sent from, got %q", c.Entry)
	case SourceUnused:
		return "expected no source beside require_source = true: it would never be used"
	case SourceFamily:
		return "no source is of the family of any of allow_destinations"
	case ChoiceWithoutSource:
		return "expected source beside it: there is nothing to choose from"
	case PoolTooLarge:
		return fmt.Sprintf("expected at most %d addresses in a network with source_choice = 'round_robin', got %q", 1<<maxRoundBits, c.Entry)
	case NoFreebind:
		return fmt.Sprintf("expected freebind = true on Linux only, whose IP_FREEBIND it needs; this is %s, and %q has to be plumbed here", runtime.GOOS, c.Entry)
	case AllowedAndDenied:
		return fmt.Sprintf("%q is denied by %s; a denial wins, however wide it is", c.Entry, c.Other)
	}
	return "it does not fit"
}

// Conflicts is the error of settings that make no sense together, at least one.
type Conflicts []*Conflict

func (c Conflicts) Error() string {
	lines := make([]string, len(c))
	for i, one := range c {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single conflicts to errors.Is and errors.As.
func (c Conflicts) Unwrap() []error {
	all := make([]error, len(c))
	for i, one := range c {
		all[i] = one
	}
	return all
}

// canFreebind: the system has IP_FREEBIND, ip(7).
const canFreebind = runtime.GOOS == "linux"

// errNoHost is a mistake of the program, not of a policy.
var errNoHost = errors.New("rules: compiled without a host")

// Check finds what does not fit in a Spec; nil if all does.
func (s *Spec) Check() Conflicts {
	var all Conflicts
	if s.SourceChoice != NoChoice && s.Source == nil {
		all = append(all, &Conflict{Key: SourceChoice, Clash: ChoiceWithoutSource})
	}
	if s.Source != nil && s.requireSource() {
		all = append(all, &Conflict{Key: Source, Clash: SourceUnused})
	}
	all = append(all, s.checkSources()...)
	return append(all, s.checkDestinations()...)
}

func (s *Spec) checkSources() (all Conflicts) {
	if len(s.Source) == 0 {
		return nil
	}
	within := union(s.AllowSources)
	for i, e := range s.Source {
		var clash Clash
		switch {
		case !usable(e.prefix):
			clash = SourceUnusable
		case s.AllowSources != nil && !within.LookupPrefix(e.prefix):
			clash = SourceNotAllowed
		case e.freebind && !canFreebind:
			clash = NoFreebind
		case s.SourceChoice == RoundRobin && e.prefix.Addr().BitLen()-e.prefix.Bits() > maxRoundBits:
			clash = PoolTooLarge
		default:
			continue
		}
		all = append(all, &Conflict{Key: Source, Index: i + 1, Entry: e.text, Clash: clash})
	}
	if len(all) == 0 && !s.sourcesReach() {
		all = append(all, &Conflict{Key: Source, Clash: SourceFamily})
	}
	return all
}

// usable says whether the addresses of a source can be sent from.
func usable(p netip.Prefix) bool {
	a := p.Addr()
	return p.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// sourcesReach says whether a source and an allowed destination share a family.
func (s *Spec) sourcesReach() bool {
	if len(s.AllowDestinations) == 0 {
		return true
	}
	has := map[egress.Family]bool{}
	for _, e := range s.Source {
		has[egress.FamilyOf(e.prefix.Addr())] = true
	}
	for _, e := range s.AllowDestinations {
		if !e.prefix.IsValid() || has[egress.FamilyOf(e.prefix.Addr())] {
			return true
		}
	}
	return false
}

func (s *Spec) checkDestinations() (all Conflicts) {
	if len(s.AllowDestinations) == 0 || len(s.DenyDestinations) == 0 {
		return nil
	}
	deny := newDestinations(DenyDestinations, s.DenyDestinations)
	for i, e := range s.AllowDestinations {
		if r, ok := deny.covers(e); ok {
			all = append(all, &Conflict{Key: AllowDestinations, Index: i + 1, Entry: e.text, Clash: AllowedAndDenied, Other: r})
		}
	}
	return all
}
