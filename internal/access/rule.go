package access

// Rule lets, or does not let, those whom its criteria are about have a privilege.
// A value is not changed once it is made.
type Rule struct {
	Criteria  Criteria
	Privilege string
	Allow     bool
}

// Plain is the rule as KumoMTA writes it in JSON and Lua.
func (r Rule) Plain() map[string]any {
	return map[string]any{"criteria": r.Criteria.Plain(), "privilege": r.Privilege, "access": accessText(r.Allow)}
}

func accessText(allow bool) string {
	if allow {
		return "Allow"
	}
	return "Deny"
}

// List is the access control list of one resource. It is not changed once it is
// made, and any number of goroutines may read it.
type List struct{ Rules []Rule }

// Decide gives the first rule that is about this privilege and whoever asks; nil
// when there is none.
func (l *List) Decide(a Auth, privilege string) *Rule {
	for i := range l.Rules {
		if r := &l.Rules[i]; r.Privilege == privilege && r.Criteria.Match(a) {
			return r
		}
	}
	return nil
}

// Map has the lists of resources by their names. Like a List it is not changed.
type Map struct{ lists map[string]*List }

// Get is the list of a resource, nil when there is none.
func (m *Map) Get(resource string) *List { return m.lists[resource] }
