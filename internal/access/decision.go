package access

// Query asks whether somebody may do something.
type Query struct {
	Resource  Resource
	Who       Auth
	Privilege string
}

// Decision is the answer to a query. It is not changed once it is made.
type Decision struct {
	Allow bool
	// Rule is the one that decided; nil when none did, which denies.
	Rule *Rule
	// Matching is the resource that the rule is of, or empty.
	Matching string
	// Considered are the resources that were looked at before, in their order.
	Considered []string
}

// Denied says whether a rule denies; a decision that neither allows nor is Denied
// came of no rule at all.
func (d Decision) Denied() bool { return !d.Allow && d.Rule != nil }

// Refusal is why the query was not allowed, for whoever asked.
func (d Decision) Refusal(q Query) string {
	verb := " not permitted "
	if d.Denied() {
		verb = " denied "
	}
	return q.Who.String() + verb + q.Privilege + " on " + q.Resource.String()
}
