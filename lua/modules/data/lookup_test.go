package data

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/value"
)

// inMap is an expression that fills a map and reads one key of it.
func inMap(module, entries, key string) string {
	return fmt.Sprintf("(function() local m = kumo.%s(%s); return m[%q] end)()", module, entries, key)
}

func TestCIDRMap(t *testing.T) {
	entries := `{['127.0.0.0/24'] = 'loopback', ['10.0.0.0/8'] = 'wide', ['10.1.0.0/16'] = 'narrow', ['10.1.2.3'] = 'one',
		['2001:db8::/32'] = {net = 'doc'}, ['::1'] = 'six', ['::ffff:192.0.2.0/120'] = 'mapped'}`
	all := cases{}
	for key, want := range map[string]any{
		"127.0.0.7":             "loopback",
		"127.0.1.7":             nil,
		"10.2.0.1":              "wide",
		"10.1.0.1":              "narrow",
		"10.1.2.3":              "one",
		"10.1.2.3:25":           "one",
		"[10.1.2.3]:25":         "one",
		"[10.1.2.3]":            "one",
		"::ffff:10.1.2.3":       "one",
		"[::ffff:10.1.2.3]:25":  "one",
		"192.0.2.9":             "mapped",
		"2001:db8:1::":          map[string]any{"net": "doc"},
		"[2001:db8::7]:1080":    map[string]any{"net": "doc"},
		"::1":                   "six",
		"[::1]:25":              "six",
		"fe80::1%eth0":          nil,
		"10.1.0.0/16":           "narrow",
		"10.1.0.0/17":           "narrow",
		"10.0.0.0/7":            nil,
		"not.set":               nil,
		"":                      nil,
		"[10.1.2.3":             nil,
		"[10.1.2.3]x":           nil,
		"any":                   nil,
		strings.Repeat("x", 99): nil,
	} {
		all = append(all, cases{{inMap("cidr.make_map", entries, key), want}}...)
	}
	all = append(all, cases{
		{"(function() local m = kumo.cidr.make_map(); m['10.0.0.0/8'] = 1; m['10.0.0.1:25'] = 2; m['10.0.0.2'] = 3; m['10.0.0.2'] = nil; return {m['10.0.0.1'], m['10.0.0.2'], m['11.0.0.1']} end)()",
			list(int64(2), int64(1))},
		{inMap("cidr.make_map", "{any = 1}", "2001:db8::1"), int64(1)},
		{inMap("cidr.make_map", "{any = 1}", "192.0.2.1"), int64(1)},
		{"tostring(kumo.cidr.make_map())", "kumo.CidrMap"},
	}...)
	all.check(t)
	refusals{
		{"kumo.cidr.make_map({['10.0.0.1/24'] = 1})", `at ["10.0.0.1/24"]: 10.0.0.1/24 has bits set behind its length; did you mean 10.0.0.0/24?`},
		{"kumo.cidr.make_map({['10.0.0.0/33'] = 1})", "expected an address, a network"},
		{"kumo.cidr.make_map({x = 1})", "kumo.cidr.make_map: argument 1 (entries): at [\"x\"]: expected an address"},
		{"kumo.cidr.make_map({'10.0.0.1'})", "expected strings as keys, got a number"},
		{"kumo.cidr.make_map({['10.0.0.1'] = print})", "a function is not plain data"},
		{"kumo.cidr.make_map(1)", "argument 1 (entries): expected a table, got number"},
		{"(function() local m = kumo.cidr.make_map(); m.x = 1 end)()", "kumo.CidrMap: argument 1 (key): expected an address"},
		{"kumo.cidr.make_map()[{}]", "kumo.CidrMap: argument 1 (key): expected a string, got table"},
	}.check(t)
}

// TestCIDRMapAsNaive: the answer is that of a search through all networks.
func TestCIDRMapAsNaive(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	networks := newCIDRTable()
	naive := map[netip.Prefix]any{}
	address := func() netip.Addr {
		b := [4]byte{10, byte(random.IntN(4)), byte(random.IntN(4)), byte(random.IntN(256))}
		return netip.AddrFrom4(b)
	}
	for i := range 500 {
		network := netip.PrefixFrom(address(), 8+random.IntN(25)).Masked()
		if err := networks.set(network.String(), i); err != nil {
			t.Fatal(err)
		}
		naive[network] = i
	}
	for range 2000 {
		at, best, want := address(), -1, any(nil)
		for network, v := range naive {
			if network.Contains(at) && network.Bits() > best {
				best, want = network.Bits(), v
			}
		}
		if got, _, err := networks.get(at.String()); err != nil || got != want {
			t.Fatalf("%s: got %v, error %v; want %v", at, got, err, want)
		}
	}
}

func TestDomainMap(t *testing.T) {
	entries := `{['*.example.com'] = 42, ['example.com'] = 24, ['omg.wtf.woot.example.com'] = 128, ['Upper.ORG.'] = 'up'}`
	all := cases{}
	for key, want := range map[string]any{
		"foo.com":                    nil,
		"example.com":                int64(24),
		"EXAMPLE.com.":               int64(24),
		"lemon.example.com":          int64(42),
		"lemon.cake.example.com":     int64(42),
		"woot.example.com":           nil,
		"wtf.woot.example.com":       nil,
		"x.woot.example.com":         nil,
		"omg.wtf.woot.example.com":   int64(128),
		"a.omg.wtf.woot.example.com": nil,
		"upper.org":                  "up",
		"":                           nil,
		strings.Repeat("a.", 200):    nil,
	} {
		all = append(all, cases{{inMap("domain_map.new", entries, key), want}}...)
	}
	all = append(all, cases{
		{inMap("domain_map.new", "{['*'] = 1}", "any.where"), int64(1)},
		{"(function() local m = kumo.domain_map.new(); m['a.b'] = 1; m['*.b'] = 2; m['a.b'] = nil; return {m['a.b'], m['b']} end)()", list(int64(2))},
	}...)
	all.check(t)
	refusals{
		{"kumo.domain_map.new({['a..b'] = 1})", "expected a domain name"},
		{"kumo.domain_map.new({[''] = 1})", "expected a domain name"},
	}.check(t)
}

func TestRegexSetMap(t *testing.T) {
	entries := `{['4\\.2\\.2 .* quota\\.'] = 500, ['^4\\.1\\.1'] = 502, ['4\\.1'] = 501, ['(?i)HELLO'] = 'x'}`
	cases{
		{inMap("regex_set_map.new", entries, "400 4.2.2 over quota"), nil},
		{inMap("regex_set_map.new", entries, "400 4.2.2 over quota."), int64(500)},
		{inMap("regex_set_map.new", entries, "4.1.1 x"), int64(501)},
		{inMap("regex_set_map.new", entries, "say hello"), "x"},
		{inMap("regex_set_map.new", "", "x"), nil},
	}.check(t)
	refusals{
		{"kumo.regex_set_map.new({['('] = 1})", "missing closing )"},
		{"kumo.regex_set_map.new({['[a[b]]'] = 1})", "a class inside a class"},
		{"kumo.regex_set_map.new({['(?=a)'] = 1})", "invalid or unsupported Perl syntax"},
		{"(function() local m = kumo.regex_set_map.new(); m.a = 1 end)()", "cannot be assigned to"},
		{"kumo.regex_set_map.new({a = 1})[('x'):rep(70000)]", "longer than 64 KiB"},
	}.check(t)
}

// TestLookupsAreShared: what one state has loaded, others read at the same time;
// when one of them assigns, the others and the original do not see it.
func TestLookupsAreShared(t *testing.T) {
	for _, c := range []struct{ make, key string }{
		{"kumo.cidr.make_map({['10.0.0.0/8'] = {'ten'}})", "10.0.0.1"},
		{"kumo.domain_map.new({['*.example.com'] = {'ten'}})", "a.example.com"},
	} {
		L := state(t, Options{})
		if err := L.DoString("m = " + c.make + "; outer = {m, 'beside'}"); err != nil {
			t.Fatal(err)
		}
		shared, err := value.Share(L.GetGlobal("outer"))
		if err != nil {
			t.Fatal(err)
		}
		read := func(L *lua.LState, want string) {
			got, err := run(t, L, fmt.Sprintf("local v = m[%q]; return type(v) == 'table' and v[1] or v", c.key))
			if err != nil || got != want {
				t.Errorf("%s[%s]: got %v, error %v; want %v", c.make, c.key, got, err, want)
			}
		}
		var all sync.WaitGroup
		for n := range 4 {
			other := state(t, Options{})
			all.Go(func() {
				other.SetGlobal("outer", value.FromGo(other, shared))
				if err := other.DoString("m = outer[1]"); err != nil {
					t.Error(err)
				}
				for range 50 {
					read(other, "ten")
				}
				mine := fmt.Sprintf("mine %d", n)
				if err := other.DoString(fmt.Sprintf("m[%q] = %q", c.key, mine)); err != nil {
					t.Error(err)
				}
				read(other, mine)
				if _, err := value.Share(other.GetGlobal("m")); err != nil {
					t.Error(err)
				}
			})
		}
		for range 50 {
			read(L, "ten")
		}
		if err := L.DoString(fmt.Sprintf("m[%q] = 'own'", c.key)); err != nil {
			t.Error(err)
		}
		read(L, "own")
		all.Wait()
		L.SetGlobal("m", value.FromGo(L, shared.([]any)[0]))
		read(L, "ten")
	}
}
