package reference

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// starters are the functions whose parameters the tables describe.
var starters = map[string][]Parameter{
	"proxy.start_proxy_listener":   listenerParameters(),
	"proxy.start_forward_listener": forwardParameters(),
	"proxy.start_http_listener":    httpParameters(),
}

// load runs a policy that calls a listener function with a table.
func load(t *testing.T, function, table string) (*policy.Policy, error) {
	t.Helper()
	if function == "proxy.start_forward_listener" { // which has two keys that are needed
		table = "allow_clients = { '*' }, " + table
	}
	source := fmt.Sprintf("local kumo, proxy = require 'kumo', require 'proxy'\nkumo.on('proxy_init', function() %s { listen = '127.0.0.1:1', %s } end)", function, table)
	p, err := policy.LoadSource(t.Context(), "policy.lua", []byte(source), policy.Options{})
	if err == nil {
		t.Cleanup(p.Close)
	}
	return p, err
}

// assign is the text of one key, inner ones in their table.
func assign(key, value string) string {
	if outer, inner, nested := strings.Cut(key, "."); nested {
		return fmt.Sprintf("%s = { %s = %s }", outer, inner, value)
	}
	return key + " = " + value
}

var knownKeys = regexp.MustCompile(`\(known keys: ([a-z_, ]+)\)`)

// accepted are the keys that the policy package knows, in its own words.
func accepted(t *testing.T, function, table string) []string {
	t.Helper()
	_, err := load(t, function, table)
	m := knownKeys.FindStringSubmatch(fmt.Sprint(err))
	if m == nil {
		t.Fatalf("%s with %q: got %v; want the known keys named", function, table, err)
	}
	return strings.Split(m[1], ", ")
}

// TestParametersAreAll: every key that is accepted is described, in the same
// order, and no other.
func TestParametersAreAll(t *testing.T) {
	for function, described := range starters {
		var want []string
		for _, key := range accepted(t, function, "no_such_key = 1") {
			if inner := slices.ContainsFunc(described, func(p Parameter) bool { return strings.HasPrefix(p.Key, key+".") }); !inner {
				want = append(want, key)
				continue
			}
			for _, one := range accepted(t, function, key+" = { no_such_key = 1 }") {
				want = append(want, key+"."+one)
			}
		}
		var got []string
		for _, p := range described {
			got = append(got, p.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: described are\n%q; accepted are\n%q", function, got, want)
		}
	}
}

// TestDefaults: to write a default out changes nothing.
func TestDefaults(t *testing.T) {
	for function, described := range starters {
		plain, err := load(t, function, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range described {
			if p.Default == "" || strings.HasPrefix(p.Default, "(") || p.Key == "listen" || p.Key == "source_choice" {
				continue
			}
			got, err := load(t, function, assign(p.Key, p.Default))
			if err != nil {
				t.Errorf("%s: %s", p.Key, err)
				continue
			}
			if p.Key == "deny_destinations" { // a list that is given and empty is the same to a client
				got.Listeners[0].Rules.DenyDestinations = nil
			}
			if !reflect.DeepEqual(got.Listeners, plain.Listeners) || !reflect.DeepEqual(got.HTTP, plain.HTTP) {
				t.Errorf("%s = %s is not what an absent key is: got %+v %+v; want %+v %+v",
					p.Key, p.Default, got.Listeners, got.HTTP, plain.Listeners, plain.HTTP)
			}
		}
	}
}

// TestRanges: what is expected is what the error about another value says.
func TestRanges(t *testing.T) {
	wrong := []string{"'0s'", "'100000 days'", "0", "-1", "1e12", "function() end"}
	for function, described := range starters {
		for _, p := range described {
			found := false
			var all []string
			for _, value := range wrong {
				_, err := load(t, function, assign(p.Key, value))
				all = append(all, fmt.Sprint(err))
				found = found || err != nil && strings.Contains(err.Error(), p.Key+": expected "+p.Range+", got")
			}
			if !found {
				t.Errorf("%s: %s: described as %q; the errors say\n%s", function, p.Key, p.Range, strings.Join(all, "\n"))
			}
		}
	}
}

// TestTypes: a value of each type that is described is taken.
func TestTypes(t *testing.T) {
	values := map[string][]string{
		durationType:             {"'59s'", "59"},
		keySourceType:            {"'file.pem'", "{ key_data = 'x' }"},
		"boolean":                {"true", "false"},
		"integer":                {"7"},
		"string":                 {"'localhost:7'"},
		networkType:              {"{ '192.0.2.1' }", "{}"},
		destinationType:          {"{ '*:25', 25 }", "{}"},
		sourceType:               {"'192.0.2.1'", "{ '192.0.2.0/24', { network = '2001:db8::/64', freebind = false } }"},
		"'sticky'|'round_robin'": {"'sticky'", "'round_robin'"},
	}
	beside := map[string]string{
		"tls_certificate": ", tls_private_key = 'key.pem'", "tls_private_key": ", tls_certificate = 'file.pem'",
		"tls_client_ca": ", use_tls = true", "source_choice": ", source = '192.0.2.1'",
		"proxy_protocol": ", proxy_protocol_from = { '10.0.0.1' }", "proxy_protocol_from": ", proxy_protocol = true",
		"socket_mode": ", listen = 'unix:/run/x.sock'", "socket_group": ", listen = 'unix:/run/x.sock'",
	}
	for function, described := range starters {
		for _, p := range described {
			given := values[p.Type]
			switch p.Key {
			case "allowed_hosts":
				given = []string{"{ 'proxy.example.com' }", "{}"}
			case "socket_mode":
				given = []string{"'0660'", "'0600'"}
			case "bandwidth.per_session", "bandwidth.per_user":
				given = []string{"0", "4096"}
			}
			for _, value := range given {
				if p.Key == "proxy_protocol" && value == "false" {
					continue // TestDefaults has it
				}
				if _, err := load(t, function, assign(p.Key, value)+beside[p.Key]); err != nil && p.Key != "require_source" {
					t.Errorf("%s = %s: %v; want a value of type %s taken", p.Key, value, err, p.Type)
				}
			}
			if values[p.Type] == nil {
				t.Errorf("%s: the type %q is not tried", p.Key, p.Type)
			}
		}
	}
}
