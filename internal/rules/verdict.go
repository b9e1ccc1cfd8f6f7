package rules

import (
	"fmt"
	"strconv"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// Key is a parameter of a listener, as a policy spells it.
type Key string

// The keys that rules are made of.
const (
	AllowClients           Key = "allow_clients"
	AllowSources           Key = "allow_sources"
	AllowDestinations      Key = "allow_destinations"
	DenyDestinations       Key = "deny_destinations"
	AllowLocalDestinations Key = "allow_local_destinations"
	Source                 Key = "source"
	SourceChoice           Key = "source_choice"
	RequireSource          Key = "require_source"
	ResolveNames           Key = "resolve_names"
	// ProxyProtocolFrom is no rule of a Set, but of Clients.
	ProxyProtocolFrom Key = "proxy_protocol_from"
)

// Reason is why something is denied. The set is closed; String is for log fields
// and metric labels.
type Reason uint8

const (
	// None: it is allowed.
	None Reason = iota
	// ClientNotListed: allow_clients is set and has no such client.
	ClientNotListed
	// ClientNotLocal: allow_clients is not set, nobody has to authenticate, and
	// the client is neither on this machine nor near it.
	ClientNotLocal
	// SourceNotListed: allow_sources is set and has no such address.
	SourceNotListed
	// SourceRequired: the client has to choose a source and did not.
	SourceRequired
	// DestinationDenied: deny_destinations has it.
	DestinationDenied
	// DestinationNotListed: allow_destinations is set and does not have it.
	DestinationNotListed
	// DestinationLocal: it leads to this machine, or to what only it should reach.
	DestinationLocal
	// NamesForbidden: destinations are to be addresses here.
	NamesForbidden
	// NoAddress: what was to be judged is no address at all.
	NoAddress

	reasonCount
)

var reasonNames = [reasonCount]string{
	None:                 "none",
	ClientNotListed:      "client_not_listed",
	ClientNotLocal:       "client_not_local",
	SourceNotListed:      "source_not_listed",
	SourceRequired:       "source_required",
	DestinationDenied:    "destination_denied",
	DestinationNotListed: "destination_not_listed",
	DestinationLocal:     "destination_local",
	NamesForbidden:       "names_forbidden",
	NoAddress:            "no_address",
}

// Reasons lists every Reason, so that each can be exported from the start.
func Reasons() []Reason {
	all := make([]Reason, reasonCount)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

func (r Reason) String() string { return reasonNames[r] }

// Reply is what a client is told, RFC 1928 section 6. A denied client is told
// nothing: it is closed.
func (r Reason) Reply() socks5.Reply {
	switch r {
	case None:
		return socks5.Succeeded
	case NamesForbidden:
		return socks5.AddressNotSupported
	}
	return socks5.NotAllowed
}

// Rule is what decided.
type Rule struct {
	// Key is the key to look at to understand the decision, or to change it. It
	// is empty where no key had a say.
	Key Key
	// Index is the place of the entry in the list, from 1. It is 0 when no entry
	// decided but that none matched, or a default.
	Index int
	// Entry is the entry as the policy has it, or what a default says in words.
	Entry string
}

// String is the rule for a person: `deny_destinations[2] "*:25"`.
func (r Rule) String() string {
	switch {
	case r.Index > 0:
		return string(r.Key) + "[" + strconv.Itoa(r.Index) + "] " + strconv.Quote(r.Entry)
	case r.Entry == "":
		return string(r.Key)
	}
	return fmt.Sprintf("%s (%s)", r.Key, r.Entry)
}

// Verdict is the answer to one question.
type Verdict struct {
	Allowed bool
	Reason  Reason // None exactly when Allowed
	Rule    Rule   // what decided, of an allowing verdict too
}

func (v Verdict) String() string {
	text := "allowed"
	if !v.Allowed {
		text = "denied: " + v.Reason.String()
	}
	if v.Rule.Key != "" {
		text += " by " + v.Rule.String()
	}
	return text
}

func allowed(r Rule) Verdict { return Verdict{Allowed: true, Rule: r} }

func denied(why Reason, r Rule) Verdict { return Verdict{Reason: why, Rule: r} }
