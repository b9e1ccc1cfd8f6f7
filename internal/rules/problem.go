package rules

import "fmt"

// Problem is why a text is not an entry.
type Problem uint8

// The problems. Every text that is not an entry has one of them.
const (
	Empty        Problem = iota + 1 // nothing there
	Blanks                          // blanks in it
	NotAddress                      // neither an address nor a network
	IsName                          // a host name
	HasZone                         // an IPv6 zone, as in fe80::1%eth0
	HostBits                        // a network with bits set behind its prefix length
	PrefixLength                    // a prefix length that the family does not have
	NoBrackets                      // an IPv6 address before a port, without brackets
	BadBrackets                     // brackets that do not stand around an IPv6 address or network
	BadPort                         // a port that is not in 1..65535
	PortOrder                       // a range of ports that ends before it begins
	HasPort                         // a port where a network alone is asked for
)

var problemTexts = map[Problem]string{
	Empty:        "it is empty",
	Blanks:       "it has blanks in it",
	NotAddress:   "it is neither an address nor a network",
	IsName:       "it is a name; rules judge the addresses that names resolve to",
	HasZone:      "an address in a rule has no zone",
	HostBits:     "host bits are set",
	PrefixLength: "the prefix length is between 0 and 32 for IPv4, between 0 and 128 for IPv6",
	NoBrackets:   "an IPv6 address before a port stands in brackets",
	BadBrackets:  "brackets stand around an IPv6 address or network alone, as in [2001:db8::/32]:25",
	BadPort:      "a port is a number between 1 and 65535",
	PortOrder:    "the range of ports ends before it begins",
	HasPort:      "no port can be given here",
}

// EntryError is the error of ParseNetwork and ParseDestination.
type EntryError struct {
	Text    string // the entry as given
	Problem Problem
	Meant   string // an entry that was probably meant, or empty
}

func (e *EntryError) Error() string { return fmt.Sprintf("%q: %s", e.Text, e.Why()) }

// Why is the problem, and what was probably meant, as a clause without the entry.
func (e *EntryError) Why() string {
	why := problemTexts[e.Problem]
	if e.Meant != "" {
		why += ", did you mean '" + e.Meant + "'?"
	}
	return why
}
