package policy

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const setDestinationGroups = "proxy.set_destination_groups"

func groupsFunction() spec.Function {
	return spec.Function{
		Name:   "set_destination_groups",
		Params: []spec.Param{{Name: "groups", Type: "table<string, string[]>", Doc: "For the name of each group its networks, as in rules, and its names: 'mx.example.com' is that name, '*.example.com' each below it."}},
		Doc: "Says which destinations belong together, such as those of one mailbox provider: for proxy_group_dials_total, the access log, the list of sessions, and request.group of proxy_server_request. " +
			"A name is looked up as the client asks for it, an address as it is dialled; the most specific entry counts. One entry in two groups is an error. " +
			"At most 255 groups. Only in proxy_init, and once. Raises all that is wrong with them. KumoMTA has no such function.",
		Call: within((*state).setDestinationGroups),
	}
}

// setDestinationGroups is proxy.set_destination_groups.
func (s *state) setDestinationGroups(L *lua.LState) int {
	switch {
	case s.event == "":
		s.refuse(L, setDestinationGroups, "called at the top level of the policy; move it into kumo.on('"+proxyInit+"', function() ... end)")
	case s.loading == nil || s.event != proxyInit:
		s.refuse(L, setDestinationGroups, "called in the "+s.event+" handler; groups are set in proxy_init alone")
	case s.loading.groupsAt.Line != 0:
		s.refuse(L, setDestinationGroups, "called a second time, after "+s.loading.groupsAt.String()+"; all groups are set at once")
	}
	table, ok := L.Get(1).(*lua.LTable)
	if !ok {
		s.refuse(L, setDestinationGroups, "expected a table of groups such as { gmail = { '192.0.2.0/24', '*.example.com' } }, got "+describe(L.Get(1)))
	}
	d := s.decoder(s.caller(L), setDestinationGroups)
	found := d.groups(table)
	if errs := d.errors(); errs != nil {
		s.raise(L, errs)
	}
	s.loading.groupsAt = d.at
	s.loading.policy.Groups = found
	return 0
}

// groups reads the groups. What it returns is of no use after a mistake.
func (d *decoder) groups(t *lua.LTable) *groups.Table {
	var all []groups.Group
	for _, k := range sortedKeys(t) {
		name, ok := k.(lua.LString)
		if !ok || !validGroup(string(name)) {
			key := string(name)
			if n, isNumber := k.(lua.LNumber); isNumber {
				key = indexKey("", int(n))
			}
			d.failBare(key, fmt.Sprintf("expected the name of a group as key, 1 to 64 letters, digits, '-', '_' and '.', got %s", describe(k)))
			continue
		}
		all = append(all, d.group(string(name), t.RawGet(k)))
	}
	switch {
	case len(d.list) > 0:
		return nil
	case len(all) == 0:
		d.failBare("", "expected at least one group, got an empty table")
		return nil
	}
	table, err := groups.Compile(all)
	if both, ok := errors.AsType[*groups.Conflict](err); ok {
		d.fail(indexKey(both.Group, both.Index), "%s is in the group %s already; an entry is in one group", quote(both.Entry), quoteKey(both.First))
	} else if err != nil {
		d.failBare("", err.Error())
	}
	return table
}

func (d *decoder) group(name string, v lua.LValue) groups.Group {
	const form = "an array of networks and names such as { '192.0.2.0/24', 'mx.example.com', '*.example.com' }"
	g, wrong := groups.Group{Name: name}, 0
	read := d.texts(name, v, form, "a network or a name", func(key, text string) {
		e, err := groups.ParseEntry(text)
		switch {
		case err == nil:
			g.Entries = append(g.Entries, e)
		case wrong < mostMistakes:
			wrong++
			d.fail(key, "expected a network such as '192.0.2.0/24', or a name such as 'mx.example.com' or '*.example.com', got %s (%s)", quote(text), entryProblem(err))
		}
	})
	if read && len(g.Entries) == 0 && wrong == 0 && !d.failed(name) {
		d.fail(name, "expected at least one network or name, got an empty table")
	}
	return g
}

// entryProblem is what is wrong with an entry, without the entry.
func entryProblem(err error) string {
	if bad, ok := errors.AsType[*rules.EntryError](err); ok {
		return bad.Why()
	}
	return err.Error()
}

func validGroup(name string) bool {
	return name != "" && len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}
