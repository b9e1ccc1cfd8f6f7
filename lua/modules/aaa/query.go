package aaa

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

var (
	errAddress = errors.New("local_addr: expected an address with a port, such as '127.0.0.1:8000'")
	errURL     = errors.New("url: expected a URL or a path, such as 'http://localhost/metrics'")
)

func makeResource() spec.Function {
	const name = "make_http_url_resource"
	return spec.Function{
		Name: name,
		Params: []spec.Param{
			{Name: "local_addr", Type: "string", Doc: "the address that the HTTP listener is bound to, with the port"},
			{Name: "url", Type: "string", Doc: "a URL, of which the path counts, or a path"},
		},
		Results: []spec.Result{{Type: resourceName, Doc: "the resource"}},
		Doc:     "Makes the resource that a URL of an HTTP listener is, to ask kumo.aaa.query_resource_access about.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			local, err := netip.ParseAddrPort(L.CheckString(1))
			if err != nil {
				return raise(L, name, errAddress)
			}
			u, err := url.Parse(L.CheckString(2))
			if err != nil {
				return raise(L, name, errURL) // the error of url.Parse would show what may hold a password
			}
			L.Push(object(L, resource{access.HTTPResource(local.String(), u.EscapedPath())}))
			return 1
		},
	}
}

func (p *Process) query() spec.Function {
	const name = "query_resource_access"
	return spec.Function{
		Name: name,
		Params: []spec.Param{
			{Name: "resource", Type: resourceName, Doc: "what kumo.aaa.make_http_url_resource made"},
			{Name: "auth_info", Type: "table", Doc: "who asks: peer_address, identities (each with identity and context) and groups, all optional"},
			{Name: "privilege", Type: "string", Doc: "what is asked for, such as 'GET'"},
		},
		Results: []spec.Result{{Type: decisionName, Doc: "the decision"}},
		Doc: "Says whether somebody may do something, as for a request of theirs. Not at the top level, and not in get_acl_definition, " +
			"which it asks. It waits, and raises when that handler fails.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			r, ok := unwrap[resource](L.Get(1))
			if !ok {
				return raise(L, name, errors.New("resource: expected what kumo.aaa.make_http_url_resource makes, got "+L.Get(1).Type().String()))
			}
			plain, err := value.ToGo(L.Get(2))
			if err != nil {
				return raise(L, name, err)
			}
			who, err := authOf(plain)
			if err != nil {
				return raise(L, name, fmt.Errorf("auth_info: %w", err))
			}
			d, err := p.Query(L, access.Query{Resource: r.Resource, Who: who, Privilege: L.CheckString(3)})
			if err != nil {
				return raise(L, name, err)
			}
			L.Push(object(L, decision{d}))
			return 1
		},
	}
}

func decisionClass() spec.Class {
	return spec.Class{Name: decisionName, Doc: "Whether somebody may do something, and which rule says so.", Fields: []spec.Param{
		{Name: "allow", Type: "boolean", Doc: "whether they may"},
		{Name: "rule", Type: "table?", Doc: "the rule that decided, with criteria, privilege and access; nil when none did"},
		{Name: "resource", Type: "string?", Doc: "the resource that the rule is of; nil when none decided"},
	}}
}

// authOf reads who asks. Keys that are not known are let pass, as in KumoMTA.
func authOf(v any) (a access.Auth, err error) {
	m, ok := v.(map[string]any)
	if list, isList := v.([]any); !ok && (!isList || len(list) > 0) {
		return a, errors.New("expected a table")
	}
	if peer, has := m["peer_address"]; has {
		text, _ := peer.(string)
		if a.Peer, err = netip.ParseAddr(text); err != nil {
			return a, errors.New("peer_address: expected an IP address")
		}
		a.Peer = a.Peer.Unmap().WithZone("")
	}
	identities, ok := listOf(m["identities"])
	for _, one := range identities {
		fields, _ := one.(map[string]any)
		name, isText := fields["identity"].(string)
		context, _ := fields["context"].(string)
		if !isText || !slices.Contains(access.Contexts(), context) {
			return a, errors.New("identities: expected tables with identity and a context out of " + strings.Join(access.Contexts(), ", "))
		}
		a.Identities = append(a.Identities, access.Identity{Identity: name, Context: context})
	}
	groups, okGroups := listOf(m["groups"])
	for _, one := range groups {
		name, isText := one.(string)
		okGroups = okGroups && isText
		a.Groups = append(a.Groups, name)
	}
	if !ok || !okGroups {
		return a, errors.New("expected identities and groups to be lists, of tables and of texts")
	}
	return a, nil
}

// listOf is a list that may be absent or empty.
func listOf(v any) (list []any, ok bool) {
	if m, isMap := v.(map[string]any); v == nil || isMap && len(m) == 0 {
		return nil, true
	}
	list, ok = v.([]any)
	return list, ok
}
