package access

import "strings"

// What of a path is looked at: what a client writes must not make lookups without
// end. The bounds are KumoMTA's.
const (
	longestPath    = 256 // bytes
	mostComponents = 10
)

const httpRoot = "http_listener"

// Resource is what access is asked for, with its parents. The zero value is none.
type Resource struct{ chain []string }

// HTTPResource is a path of the HTTP listener that is bound to an address, written
// with its port. The path is as the client wrote it, without the query.
//
// The parents of /a/b on the listener L are, in this order: /a on L, L, then /a/b
// and /a on whatever listener, then all listeners.
func HTTPResource(listener, path string) Resource {
	path = strings.TrimPrefix(path[:min(len(path), longestPath)], "/")
	components := strings.Split(path, "/")
	components = components[:min(len(components), mostComponents)]
	bound := httpRoot + "/" + listener
	here := make([]string, 0, 2*len(components)+2)
	anywhere := make([]string, 0, len(components)+1)
	for n := len(components); n > 0; n-- {
		part := "/" + strings.Join(components[:n], "/")
		here = append(here, bound+part)
		anywhere = append(anywhere, httpRoot+"/*"+part)
	}
	here = append(here, bound)
	return Resource{chain: append(append(here, anywhere...), httpRoot)}
}

// String is the name of the resource itself.
func (r Resource) String() string {
	if len(r.chain) == 0 {
		return ""
	}
	return r.chain[0]
}
