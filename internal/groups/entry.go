package groups

import (
	"errors"
	"strings"

	"github.com/troupe-proxy/troupe/internal/rules"
)

// Entry is one line of a group: a network, a name such as mx.example.com, or the
// names below one, *.example.com. It is comparable. The zero value is not an entry.
type Entry struct {
	text    string
	name    string // canonical; empty: a network
	network rules.Network
}

// ErrName says that an entry that is no network is no name either.
var ErrName = errors.New("it is neither a network nor a name")

// ParseEntry reads an entry. The error is ErrName, or a *rules.EntryError.
func ParseEntry(text string) (Entry, error) {
	network, err := rules.ParseNetwork(text)
	if err == nil {
		return Entry{text: text, network: network}, nil
	}
	bad, ok := errors.AsType[*rules.EntryError](err)
	if ok && bad.Problem != rules.IsName && !strings.HasPrefix(text, "*.") {
		return Entry{}, err
	}
	name := canonicalName(text)
	if !validName(strings.TrimPrefix(name, "*.")) {
		return Entry{}, ErrName
	}
	return Entry{text: text, name: name}, nil
}

// String is the entry as it was written.
func (e Entry) String() string { return e.text }

// canonicalName is the one form of a name: in small letters, without the root. It
// allocates only if that is another.
func canonicalName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

const (
	longestName  = 253
	longestLabel = 63
)

// validName takes what a name server may have: letters, digits, hyphens, and the
// underscore of those who did not ask.
func validName(name string) bool {
	if len(name) > longestName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > longestLabel || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
				return false
			}
		}
	}
	return true
}
