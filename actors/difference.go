package actors

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Difference is what a reload has changed of the listeners, SOCKS before HTTP,
// each in the order of the policy.
type Difference struct {
	Added     []string // "listener 127.0.0.1:1080"
	Changed   []string // "listener 127.0.0.1:1080 timeout 60s → 30s, require_auth"
	Removed   []string
	Unchanged int
}

// Empty reports whether every listener is what it was. What the hooks do may
// have changed all the same.
func (d Difference) Empty() bool { return len(d.Added)+len(d.Changed)+len(d.Removed) == 0 }

// Lines is the difference for people, a line for each listener that is not what
// it was and one for the others. Nothing secret is in them.
func (d Difference) Lines() []string {
	var lines []string
	for _, part := range []struct {
		sign string
		what []string
	}{{"+ ", d.Added}, {"~ ", d.Changed}, {"- ", d.Removed}} {
		for _, what := range part.what {
			lines = append(lines, part.sign+what)
		}
	}
	switch d.Unchanged {
	case 0:
	case 1:
		lines = append(lines, "= 1 listener unchanged")
	default:
		lines = append(lines, fmt.Sprintf("= %d listeners unchanged", d.Unchanged))
	}
	return lines
}

func (d Difference) String() string { return strings.Join(d.Lines(), "\n") }

// changes names the parameters in which two listeners of one kind differ, as the
// policy spells them, with their values where these are short and never secret.
// Where the policy has them, and how it writes their address, is no difference.
// Fields that the policy may get in the future are compared like the others.
func changes(a, b any) []string { return changedFields("", reflect.ValueOf(a), reflect.ValueOf(b)) }

func changedFields(prefix string, a, b reflect.Value) (all []string) {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		if !f.IsExported() || prefix == "" && (f.Name == "At" || f.Name == "Listen") {
			continue
		}
		x, y := a.Field(i), b.Field(i)
		if reflect.DeepEqual(x.Interface(), y.Interface()) {
			continue
		}
		if f.Name == "ForbidNames" { // a policy says the opposite
			x, y = reflect.ValueOf(!x.Bool()), reflect.ValueOf(!y.Bool())
		}
		name := prefix + parameter(f.Name)
		from, shown := brief(x)
		to, _ := brief(y)
		switch {
		case shown && from != to:
			all = append(all, name+" "+from+" → "+to)
		case f.Type == reflect.TypeFor[rules.Spec]():
			all = append(all, changedFields(prefix, x, y)...) // which a policy has no table for
		case f.Type.Kind() == reflect.Struct && exportsAll(f.Type):
			all = append(all, changedFields(name+".", x, y)...)
		default:
			all = append(all, name)
		}
	}
	return all
}

// brief shows a value of a kind that holds no secret. Text may be anything, and
// is not shown; a source of keys names itself.
func brief(v reflect.Value) (text string, shown bool) {
	switch x := v.Interface().(type) {
	case time.Duration:
		return duration.Format(x), true
	case netip.Addr, netip.AddrPort, netip.Prefix, bool, int, int64, uint64:
		return fmt.Sprint(x), true
	case tlsconf.KeySource:
		return x.String(), true
	}
	return "", false
}

func exportsAll(t reflect.Type) bool {
	return !slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return !f.IsExported() })
}

// parameter is the name that a policy has for a field: UseTLS is use_tls.
func parameter(field string) string {
	switch field { // those whose names differ by more than their form
	case "KeepAlive":
		return "tcp_keepalive"
	case "ForbidNames":
		return string(rules.ResolveNames)
	}
	var out strings.Builder
	runes := []rune(field)
	for i, r := range runes {
		begins := i > 0 && unicode.IsUpper(r) &&
			(unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if begins {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// Check says what a policy would start, and whether the certificates that it
// names can be read. It opens no socket.
func Check(p *policy.Policy) (Difference, error) {
	var d Difference
	var own tlsconf.SelfSigned
	check := func(at policy.Position, title string, use bool, o tlsconf.Options) error {
		if use {
			if _, err := tlsconf.Open(o, &own); err != nil {
				return fmt.Errorf("%s: %s: %w", at, title, err)
			}
		}
		d.Added = append(d.Added, title)
		return nil
	}
	for i := range p.Listeners {
		l := &p.Listeners[i]
		if err := check(l.At, listenerTitle(l)+l.Listen, l.UseTLS, listenerTLS(l)); err != nil {
			return Difference{}, err
		}
	}
	for i := range p.HTTP {
		l := &p.HTTP[i]
		if err := check(l.At, "http listener "+l.Listen, l.UseTLS, httpTLS(l)); err != nil {
			return Difference{}, err
		}
	}
	return d, nil
}
