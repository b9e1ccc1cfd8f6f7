package logging

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// DefaultFilter is the filter of a process that was told none.
const DefaultFilter = "proxy_server=info,kumo_server_common=info,kumo_server_runtime=info,lua=info,troupe=info"

// The environment variables FilterFromEnv reads, in order. The second is the
// one KumoMTA's proxy-server reads.
const (
	FilterVariable     = "TROUPE_LOG"
	FilterVariableKumo = "KUMO_PROXY_LOG"
)

// Filter says which levels of which targets are written. It is a value and is
// never changed; the zero Filter writes nothing.
//
// A directive holds for every target that begins with its own, byte by byte:
// "proxy_server" holds for "proxy_server::mod_proxy" and for "proxy_server2".
// Of several the longest decides, and where none holds, the global level.
type Filter struct {
	global     verbosity
	directives []directive // sorted by target, each target once
}

type directive struct {
	target string
	level  verbosity
}

// FilterFromEnv is the filter the environment asks for: TROUPE_LOG, else
// KUMO_PROXY_LOG, else DefaultFilter. A variable that is set and empty turns
// everything off, which is why lookup is shaped like os.LookupEnv. The error
// names the variable and wraps a *FilterError.
func FilterFromEnv(lookup func(name string) (value string, set bool)) (Filter, error) {
	for _, name := range []string{FilterVariable, FilterVariableKumo} {
		if value, set := lookup(name); set {
			f, err := ParseFilter(value)
			if err != nil {
				return Filter{}, fmt.Errorf("%s: %w", name, err)
			}
			return f, nil
		}
	}
	return ParseFilter(DefaultFilter)
}

// Enabled reports whether a record of this target and level is written.
func (f Filter) Enabled(target string, level slog.Level) bool {
	return level >= f.level(target).threshold()
}

// Equal reports whether f and g are the same filter, however they were written.
func (f Filter) Equal(g Filter) bool {
	return f.global == g.global && slices.Equal(f.directives, g.directives)
}

// String is the canonical form: the global level unless it is off, then the
// directives in the order of their targets. ParseFilter gives f back from it.
func (f Filter) String() string {
	if len(f.directives) == 0 {
		return f.global.String()
	}
	var b strings.Builder
	if f.global != verbosityOff {
		b.WriteString(f.global.String())
	}
	for _, d := range f.directives {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(d.target + "=" + d.level.String())
	}
	return b.String()
}

// level is the level of the longest directive that target begins with: the last
// one, since what begins with another sorts behind it.
func (f Filter) level(target string) verbosity {
	for _, d := range slices.Backward(f.directives) {
		if strings.HasPrefix(target, d.target) {
			return d.level
		}
	}
	return f.global
}

// loosest is the highest level of any target.
func (f Filter) loosest() verbosity {
	level := f.global
	for _, d := range f.directives {
		level = max(level, d.level)
	}
	return level
}

// set adds a directive; a later one for the same target replaces an earlier one.
func (f *Filter) set(d directive) {
	i, found := slices.BinarySearchFunc(f.directives, d.target, func(d directive, target string) int {
		return strings.Compare(d.target, target)
	})
	if found {
		f.directives[i] = d
		return
	}
	f.directives = slices.Insert(f.directives, i, d)
}
