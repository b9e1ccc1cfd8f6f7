package data

import (
	"errors"
	"maps"
	"strings"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func domainModule() spec.Module {
	return module("kumo.domain_map", "Maps from domain names to values.", []function{
		newLookup("new", "Makes a map by domain name. '*.example.com' covers the names below example.com, as in DNS: neither example.com itself nor what is in the map, nor anything below that. '*' covers what nothing else does. Upper and lower case, and a dot at the end, make no difference.",
			domainKind, func() table { return &domainTable{values: map[string]any{}, below: map[string]int{}} }),
	}, domainKind.spec())
}

// domainTable answers as a DNS zone with wildcards does (RFC 4592).
type domainTable struct {
	values map[string]any
	// below counts the entries that stand at or below a name, so that a name is
	// known to exist without a value of its own.
	below map[string]int
}

const longestName = 255 // bytes, more than any domain name has

var errNoDomain = errors.New("expected a domain name, such as example.com or *.example.com")

func (t *domainTable) clone() table {
	return &domainTable{values: maps.Clone(t.values), below: maps.Clone(t.below)}
}

func canonicalName(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

func (t *domainTable) get(key string) (v any, found bool, err error) {
	if len(key) > longestName {
		return nil, false, nil
	}
	name := canonicalName(key)
	if v, found := t.values[name]; found {
		return v, true, nil
	}
	if t.below[name] > 0 {
		return nil, false, nil
	}
	// The wildcard is sought at the longest part of the name that exists.
	for name != "" {
		_, name, _ = strings.Cut(name, ".")
		if name == "" {
			v, found = t.values["*"]
			return v, found, nil
		}
		if t.below[name] > 0 {
			v, found = t.values["*."+name]
			return v, found, nil
		}
	}
	return nil, false, nil
}

func (t *domainTable) set(key string, v any) error {
	name := canonicalName(key)
	if name == "" || len(key) > longestName || strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return errNoDomain
	}
	_, had := t.values[name]
	switch {
	case v != nil && !had:
		t.count(name, 1)
	case v == nil && had:
		t.count(name, -1)
	}
	if v == nil {
		delete(t.values, name)
	} else {
		t.values[name] = v
	}
	return nil
}

// count notes an entry at a name and at all names above it.
func (t *domainTable) count(name string, n int) {
	for more := true; more; _, name, more = strings.Cut(name, ".") {
		if t.below[name] += n; t.below[name] == 0 {
			delete(t.below, name)
		}
	}
}
