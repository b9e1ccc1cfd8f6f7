package policy

import (
	"errors"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/rules"
)

// mostMistakes is how many bad entries of one list are shown: a list may be long,
// and come from a file whose form was misread.
const mostMistakes = 10

// ruleSettings are the keys that say who may use a listener, from which source
// and for which destinations.
type ruleSettings struct {
	spec *rules.Spec
	// bad says that a value could not be read, so that the spec is not what the
	// policy asks for.
	bad bool
	// single says that source is an entry and not an array.
	single bool
}

// fields are the known keys, in the order of messages.
func (s *ruleSettings) fields() []field {
	return []field{
		{name: string(rules.AllowClients), read: listInto(s, &s.spec.AllowClients, networks())},
		{name: string(rules.AllowSources), read: listInto(s, &s.spec.AllowSources, networks())},
		{name: string(rules.AllowDestinations), read: listInto(s, &s.spec.AllowDestinations, destinations())},
		{name: string(rules.DenyDestinations), read: listInto(s, &s.spec.DenyDestinations, destinations())},
		{name: string(rules.AllowLocalDestinations), read: boolInto(&s.spec.AllowLocalDestinations)},
		{name: string(rules.Source), read: s.source},
		{name: string(rules.SourceChoice), read: s.choice},
		{name: string(rules.RequireSource), read: s.required},
		{name: string(rules.ResolveNames), read: s.names},
	}
}

// form is what the entries of a list look like.
type form[T any] struct {
	one, many string // for messages
	numbers   bool   // a number may stand for its text
	parse     func(string) (T, error)
	// table reads an entry that is a table; nil: none may be.
	table func(d *decoder, key string, t *lua.LTable) (entry T, ok bool)
}

func networks() form[rules.Network] {
	return form[rules.Network]{
		one:   "a network such as '10.0.0.0/8'",
		many:  "an array of networks such as { '127.0.0.1', '10.0.0.0/8' }",
		parse: rules.ParseNetwork,
	}
}

func sourceForm() form[rules.Network] {
	f := networks()
	f.one = "an address such as '192.0.2.1', or a network to take one from"
	f.many = "an address such as '192.0.2.1', or an array of such and of networks to take one from"
	return f
}

func destinations() form[rules.Destination] {
	return form[rules.Destination]{
		one:     "a destination such as '10.0.0.0/8', '*:25' or '[2001:db8::]:465-587'",
		many:    "an array of destinations such as { '10.0.0.0/8', '*:25', '[2001:db8::/32]:465-587' }",
		numbers: true,
		parse:   rules.ParseDestination,
	}
}

// listInto reads an array of entries. An empty one is kept: nobody is in it.
func listInto[T any](s *ruleSettings, p *[]T, f form[T]) reader {
	return func(d *decoder, key string, v lua.LValue) {
		t, ok := v.(*lua.LTable)
		if !ok {
			s.bad = true
			d.expected(key, f.many, v, "")
			return
		}
		entries, wrong := make([]T, 0, t.Len()), 0
		for i, k := range sortedKeys(t) {
			if n, ok := k.(lua.LNumber); !ok || n != lua.LNumber(i+1) {
				s.bad = true
				d.fail(key, "expected %s, got a table with the key %s", f.many, describe(k))
				return
			}
			entry, ok := readEntry(d, indexKey(key, i+1), t.RawGetInt(i+1), f)
			if ok {
				entries = append(entries, entry)
				continue
			}
			s.bad = true
			if wrong++; wrong == mostMistakes && i+1 < t.Len() {
				d.fail(key, "%d entries are wrong, those after number %d were not looked at", wrong, i+1)
				return
			}
		}
		*p = entries
	}
}

// readEntry reads one entry of a list.
func readEntry[T any](d *decoder, key string, v lua.LValue, f form[T]) (entry T, ok bool) {
	if t, isTable := v.(*lua.LTable); isTable && f.table != nil {
		return f.table(d, key, t)
	}
	text, isText := v.(lua.LString)
	if n, isNumber := v.(lua.LNumber); isNumber && f.numbers {
		text, isText = lua.LString(n.String()), true
	}
	if !isText {
		d.expected(key, f.one, v, "")
		return entry, false
	}
	entry, err := f.parse(string(text))
	if err != nil {
		why := err.Error()
		if bad, ok := errors.AsType[*rules.EntryError](err); ok {
			why = bad.Why()
		}
		d.expected(key, f.one, v, why)
	}
	return entry, err == nil
}

// source reads one entry, or an array with at least one.
func (s *ruleSettings) source(d *decoder, key string, v lua.LValue) {
	if text, ok := v.(lua.LString); ok {
		entry, ok := readEntry(d, key, text, sourceForm())
		s.bad = s.bad || !ok
		s.spec.Source, s.single = []rules.Network{entry}, true
		return
	}
	before := len(d.list)
	form := sourceForm()
	form.table = sourceTable
	listInto(s, &s.spec.Source, form)(d, key, v)
	if len(s.spec.Source) == 0 && len(d.list) == before {
		s.bad = true
		d.fail(key, "expected at least one source, got an empty table")
	}
}

// sourceTable reads an entry of source that says more than its network.
func sourceTable(d *decoder, key string, t *lua.LTable) (n rules.Network, ok bool) {
	before, free := len(d.list), false
	d.table(key, t, []field{
		{name: "network", required: true, read: func(d *decoder, key string, v lua.LValue) { n, _ = readEntry(d, key, v, sourceForm()) }},
		{name: "freebind", read: boolInto(&free)},
	})
	if free {
		n = n.Freely()
	}
	return n, len(d.list) == before
}

func (s *ruleSettings) choice(d *decoder, key string, v lua.LValue) {
	choices := []rules.Choice{rules.Sticky, rules.RoundRobin}
	text, _ := v.(lua.LString)
	i := slices.IndexFunc(choices, func(c rules.Choice) bool { return c.String() == string(text) })
	if i < 0 {
		s.bad = true
		d.expected(key, "'sticky' or 'round_robin'", v, "")
		return
	}
	s.spec.SourceChoice = choices[i]
}

func (s *ruleSettings) required(d *decoder, key string, v lua.LValue) {
	required := false
	boolInto(&required)(d, key, v)
	if s.bad = s.bad || d.failed(key); !s.bad {
		s.spec.RequireSource = &required
	}
}

func (s *ruleSettings) names(d *decoder, key string, v lua.LValue) {
	resolve := true
	boolInto(&resolve)(d, key, v)
	s.spec.ForbidNames = !resolve
}

// check refuses settings that make no sense together.
func (s *ruleSettings) check(d *decoder) {
	if s.bad {
		return
	}
	for i, c := range s.spec.Check() {
		if i == mostMistakes {
			return
		}
		key := string(c.Key)
		if c.Index > 0 && (c.Key != rules.Source || !s.single) {
			key = indexKey(key, c.Index)
		}
		d.fail(key, "%s", c.Why())
	}
}
