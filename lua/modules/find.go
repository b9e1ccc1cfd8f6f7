package modules

import (
	"maps"
	"slices"
)

// Functions are the full names of all functions, sorted: "kumo.digest.sha256".
func (x *Index) Functions() []string {
	var all []string
	for name, e := range x.entries {
		for function := range e.functions {
			all = append(all, name+"."+function)
		}
	}
	slices.Sort(all)
	return all
}

// Roots are the names that require takes, sorted.
func (x *Index) Roots() []string {
	roots := maps.Clone(x.entries)
	for _, e := range x.entries {
		for _, inner := range e.tables {
			delete(roots, inner)
		}
	}
	return slices.Sorted(maps.Keys(roots))
}

// Missing is what is wrong with a chain of fields, such as kumo, digest and sha256:
// that the last is not there or is refused; empty when nothing is, or when it leads
// into what a function gives. The first of the chain is one of Roots.
func (x *Index) Missing(chain []string) string {
	module := chain[0]
	for _, field := range chain[1:] {
		e := x.entries[module]
		switch inner, isTable := e.tables[field]; {
		case isTable:
			module = inner
		case e.functions[field] != nil:
			return ""
		default:
			return x.why(module, field)
		}
	}
	return ""
}

// why is the message about a name that is not there.
func (x *Index) why(module, field string) string {
	if why, known := x.entries[module].refused[field]; known {
		return module + "." + field + " is not part of Troupe: " + why
	}
	return module + "." + cut(field) + absent + x.meant(module, field)
}
