package access

import (
	"fmt"
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/suggest"
)

// mostNested is how deep criteria may stand in one another.
const mostNested = 32

const ruleForm = "a table such as { criteria = { Identity = 'Any' }, privilege = 'GET', access = 'Allow' }"

// ParseRules reads a list of rules out of plain values, each with criteria,
// privilege and access. The error is a *Problems.
func ParseRules(v any) (*List, error) {
	d := &decoder{}
	l := &List{}
	list, _ := d.list("", v, "a list of rules")
	for i, one := range list {
		l.Rules = append(l.Rules, d.rule(fmt.Sprintf("rule %d", i+1), one))
	}
	if err := d.err(""); err != nil {
		return nil, err
	}
	return l, nil
}

func (d *decoder) rule(key string, v any) (r Rule) {
	m := d.object(key, v, ruleForm, "criteria", "privilege", "access")
	if m == nil {
		return r
	}
	r.Criteria = d.criteria(join(key, "criteria"), m["criteria"], 0)
	r.Privilege = d.name(join(key, "privilege"), m["privilege"], "the name of a privilege, such as 'GET'")
	switch m["access"] {
	case "Allow":
		r.Allow = true
	case "Deny":
	default:
		d.expected(join(key, "access"), "'Allow' or 'Deny'", m["access"])
	}
	return r
}

// fileEntry reads one [[acl."resource"]] of a file: a rule for each privilege.
func (d *decoder) fileEntry(key string, v any) (rules []Rule) {
	m := d.object(key, v, "a table with allow, privileges, and identity or criteria", "allow", "privileges", "identity", "criteria")
	if m == nil {
		return nil
	}
	allow, ok := m["allow"].(bool)
	if !ok {
		d.expected(join(key, "allow"), "true or false", m["allow"])
	}
	criteria := d.fileCriteria(key, m)
	names := join(key, "privileges")
	list, ok := d.list(names, m["privileges"], "a list of privileges such as [\"GET\"]")
	if ok && len(list) == 0 {
		d.fail(names, "expected at least one privilege: without one the rule means nothing")
	}
	for i, one := range list {
		name := d.name(index(names, i), one, "the name of a privilege such as \"GET\"")
		rules = append(rules, Rule{Criteria: criteria, Privilege: name, Allow: allow})
	}
	return rules
}

// fileCriteria reads identity or criteria, of which there must be one.
func (d *decoder) fileCriteria(key string, m map[string]any) Criteria {
	who, isIdentity := m["identity"]
	what, isCriteria := m["criteria"]
	switch {
	case isIdentity && isCriteria:
		d.fail(join(key, "criteria"), "expected identity or criteria, got both")
	case isIdentity:
		return d.identity(join(key, "identity"), who)
	case isCriteria:
		return d.criteria(join(key, "criteria"), what, 0)
	default:
		d.fail(key, "expected identity or criteria, got neither")
	}
	return nil
}

func criteriaKinds() []string { return []string{"Identity", "AllOf", "AnyOf", "Not"} }

func identityKinds() []string {
	return []string{"Individual", "Group", "Machine", "MachineSet", string(Any), string(Authenticated), string(Unauthenticated)}
}

// criteria reads one term. What says who may stand there without Identity around
// it, as KumoMTA's documentation has it.
func (d *decoder) criteria(key string, v any, depth int) Criteria {
	if depth >= mostNested {
		d.fail(key, "criteria stand in one another more than %d times", mostNested)
		return nil
	}
	kind, inner, ok := d.variant(key, v, "a table with one of Identity, AllOf, AnyOf and Not", append(criteriaKinds(), identityKinds()...))
	if !ok {
		return nil
	}
	switch key := join(key, kind); kind {
	case "Identity":
		return d.identity(key, inner)
	case "AllOf":
		return AllOf(d.terms(key, inner, depth))
	case "AnyOf":
		return AnyOf(d.terms(key, inner, depth))
	case "Not":
		return Not{d.criteria(key, inner, depth+1)}
	}
	return d.identity(key, v)
}

// terms are those of AllOf and AnyOf. None at all would hold for everybody, or
// for nobody, which nobody means.
func (d *decoder) terms(key string, v any, depth int) (all []Criteria) {
	list, ok := d.list(key, v, "a list of criteria")
	if ok && len(list) == 0 {
		d.fail(key, "expected at least one criterion")
	}
	for i, one := range list {
		all = append(all, d.criteria(index(key, i), one, depth+1))
	}
	return all
}

// variant reads a table with one key, or the text of a kind that has nothing in it.
func (d *decoder) variant(key string, v any, what string, known []string) (kind string, inner any, ok bool) {
	if text, isText := v.(string); isText {
		kind, inner = text, map[string]any{}
	} else if m, isMap := v.(map[string]any); isMap && len(m) == 1 {
		for kind, inner = range m {
		}
	} else {
		d.expected(key, what, v)
		return "", nil, false
	}
	for _, one := range known {
		if one == kind {
			return kind, inner, true
		}
	}
	d.fail(key, "unknown kind %q%s; expected %s", cut(kind), suggest.Hint(kind, known), what)
	return "", nil, false
}

const identityForm = "one of Individual, Group, Machine, MachineSet, Any, Authenticated and Unauthenticated"

func (d *decoder) identity(key string, v any) Criteria {
	kind, inner, ok := d.variant(key, v, identityForm, identityKinds())
	if !ok {
		return nil
	}
	switch kind {
	case "Individual":
		return Individual(d.name(join(key, kind), inner, "a name"))
	case "Group":
		return Group(d.name(join(key, kind), inner, "the name of a group"))
	case "Machine":
		return d.machine(join(key, kind), inner)
	case "MachineSet":
		return d.machines(join(key, kind), inner)
	}
	d.object(join(key, kind), inner, "an empty table")
	return State(kind)
}

func (d *decoder) machine(key string, v any) Criteria {
	text, _ := v.(string)
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		d.expected(key, "an IP address", v)
	}
	return Machine(ip.Unmap())
}

func (d *decoder) machines(key string, v any) Criteria {
	var set MachineSet
	list, _ := d.list(key, v, "a list of addresses and networks such as [\"10.0.0.0/8\"]")
	for i, one := range list {
		text, _ := one.(string)
		networks, ok := parseNetworks(text)
		if !ok {
			d.expected(index(key, i), "an address, a network such as 10.0.0.0/8 with no bits behind its length, or 'any'", one)
		}
		set = append(set, networks...)
	}
	return set
}

// parseNetworks reads an address, a network or any. IPv6 in which IPv4 is mapped
// is the IPv4 it means, as with the addresses it is compared to.
func parseNetworks(text string) (networks []netip.Prefix, ok bool) {
	if text == "any" {
		return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}, true
	}
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return []netip.Prefix{netip.PrefixFrom(ip, ip.BitLen())}, true
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() {
		return nil, false
	}
	const mapped = 96 // bits before the IPv4 address, RFC 4291 section 2.5.5.2
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return []netip.Prefix{p}, true
}
