package policy

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
)

func networkList(t *testing.T, texts ...string) []rules.Network {
	t.Helper()
	all := []rules.Network{}
	for _, text := range texts {
		n, err := rules.ParseNetwork(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func destinationList(t *testing.T, texts ...string) []rules.Destination {
	t.Helper()
	all := []rules.Destination{}
	for _, text := range texts {
		d, err := rules.ParseDestination(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func TestRules(t *testing.T) {
	yes, no := true, false
	for body, want := range map[string]rules.Spec{
		"": {},
		"allow_clients = {}, allow_sources = {}, allow_destinations = {}, deny_destinations = {}": {
			AllowClients: networkList(t), AllowSources: networkList(t),
			AllowDestinations: destinationList(t), DenyDestinations: destinationList(t),
		},
		"allow_clients = { '0.0.0.0/0', '::/0' }": {AllowClients: networkList(t, "0.0.0.0/0", "::/0")},
		"allow_clients = { 'any' }":               {AllowClients: networkList(t, "any")},
		"allow_destinations = { 25, '587-2525', '*:465', '10.0.0.0/8:25,26', '[2001:db8::/32]:25' }": {
			AllowDestinations: destinationList(t, "25", "587-2525", "*:465", "10.0.0.0/8:25,26", "[2001:db8::/32]:25"),
		},
		"deny_destinations = { '10.0.0.0/8', 2 * 20 }": {DenyDestinations: destinationList(t, "10.0.0.0/8", "40")},
		"allow_local_destinations = true":              {AllowLocalDestinations: true},
		"allow_local_destinations = false":             {},
		"source = '192.0.2.1'":                         {Source: networkList(t, "192.0.2.1")},
		"source = '2001:db8::/64'":                     {Source: networkList(t, "2001:db8::/64")},
		"source = { '192.0.2.1', '2001:db8::1' }, source_choice = 'round_robin'": {
			Source: networkList(t, "192.0.2.1", "2001:db8::1"), SourceChoice: rules.RoundRobin,
		},
		"source = { '192.0.2.1' }, source_choice = 'sticky', allow_sources = { '192.0.2.0/24' }": {
			Source: networkList(t, "192.0.2.1"), SourceChoice: rules.Sticky, AllowSources: networkList(t, "192.0.2.0/24"),
		},
		"require_source = true":                       {RequireSource: &yes},
		"require_source = false, allow_sources = {}":  {RequireSource: &no, AllowSources: networkList(t)},
		"require_source = false, source = '10.0.0.1'": {RequireSource: &no, Source: networkList(t, "10.0.0.1")},
		"resolve_names = false":                       {ForbidNames: true},
		"resolve_names = true":                        {},
	} {
		p := mustLoad(t, inInit("proxy.start_proxy_listener { listen = '127.0.0.1:1080', "+body+" }"))
		if got := p.Listeners[0].Rules; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v; want %+v", body, got, want)
		}
	}
}

// TestRulesFromElsewhere: a list need not be written out in the call. Its
// mistakes then have the line of the call.
func TestRulesFromElsewhere(t *testing.T) {
	p := mustLoad(t, inInit("local mtas = {} for i = 1, 3 do mtas[i] = '10.0.0.' .. i end\n"+
		"proxy.start_proxy_listener { listen = '127.0.0.1:1080', allow_clients = mtas }"))
	want := networkList(t, "10.0.0.1", "10.0.0.2", "10.0.0.3")
	if got := p.Listeners[0].Rules.AllowClients; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
	_, err := LoadSource(t.Context(), "policy.lua", []byte(inInit("local mtas = { '10.0.0.1/8' }\n"+
		"proxy.start_proxy_listener { listen = '127.0.0.1:1080', allow_clients = mtas }")), Options{})
	bad, ok := errors.AsType[*Error](err)
	if !ok || bad.Position.Line != 3 || bad.Key != "allow_clients[1]" {
		t.Errorf("got %v; want it at line 3, key allow_clients[1]", err)
	}
}

// TestLongListsOfRules: a list of a hundred thousand loads, and one that is
// wrong throughout is told in a few lines.
func TestLongListsOfRules(t *testing.T) {
	const source = `
local list = {}
for i = 1, 100000 do list[i] = string.format('%s%%d.%%d.%%d.0/24', 10 + math.floor(i / 65536), math.floor(i / 256) %% 256, i %% 256) end
proxy.start_proxy_listener { listen = '127.0.0.1:1080', allow_clients = list }`
	options := Options{Deadline: time.Minute}
	p, err := LoadSource(t.Context(), "policy.lua", []byte(inInit(fmt.Sprintf(source, ""))), options)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.Listeners[0].Rules.AllowClients); got != 100_000 {
		t.Errorf("got %d entries; want 100000", got)
	}
	_, err = LoadSource(t.Context(), "policy.lua", []byte(inInit(fmt.Sprintf(source, "x"))), options)
	if got := strings.Count(fmt.Sprint(err), "\n"); err == nil || got > 12 {
		t.Errorf("got %d lines; want some ten", got)
	}
}

// TestRuleMistakesAreReportedOnce: what cannot be read is not said to
// contradict something besides.
func TestRuleMistakesAreReportedOnce(t *testing.T) {
	_, err := LoadSource(t.Context(), "policy.lua", []byte(inInit("proxy.start_proxy_listener { listen = '127.0.0.1:1080', "+
		"allow_sources = { '10.0.0.1/8' }, source = '10.0.0.1' }")), Options{})
	all, _ := errors.AsType[Errors](err)
	if len(all) != 1 || all[0].Key != "allow_sources[1]" {
		t.Errorf("got %v; want the one mistake of allow_sources", err)
	}
}
