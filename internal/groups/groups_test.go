package groups_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/rules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func group(t testing.TB, name string, entries ...string) groups.Group {
	t.Helper()
	g := groups.Group{Name: name}
	for _, text := range entries {
		e, err := groups.ParseEntry(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		g.Entries = append(g.Entries, e)
	}
	return g
}

func compile(t testing.TB, all ...groups.Group) *groups.Table {
	t.Helper()
	table, err := groups.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWhichGroup(t *testing.T) {
	table := compile(t,
		group(t, "wide", "192.0.0.0/8", "2001:db8::/32", "*.example.com", "Exact.Example.NET."),
		group(t, "narrow", "192.0.2.0/24", "2001:db8::25", "*.mx.example.com", "mx.example.com", "198.51.100.7"),
		group(t, "narrow again", "192.0.2.0/25", "localhost"),
	)
	for _, tt := range []struct{ asked, want string }{
		{"192.1.0.1", "wide"}, {"192.0.2.200", "narrow"}, {"192.0.2.1", "narrow again"}, {"::ffff:192.0.2.1", "narrow again"},
		{"2001:db8::1", "wide"}, {"2001:db8::25", "narrow"}, {"198.51.100.7", "narrow"}, {"198.51.100.8", ""}, {"2001:db9::", ""},
		{"a.example.com", "wide"}, {"a.b.example.com", "wide"}, {"mx.example.com", "narrow"}, {"1.mx.example.com", "narrow"},
		{"A.MX.EXAMPLE.COM.", "narrow"}, {"example.com", ""}, {"badexample.com", ""}, {"exact.example.net", "wide"},
		{"localhost", "narrow again"}, {"not.exact.example.net", ""}, {"", ""}, {".", ""}, {"..", ""},
	} {
		var got string
		if a, err := netip.ParseAddr(tt.asked); err == nil {
			got = table.Title(table.Address(a))
		} else {
			got = table.Title(table.Name(tt.asked))
		}
		if got != tt.want {
			t.Errorf("%q: got the group %q; want %q", tt.asked, got, tt.want)
		}
	}
	if got := strings.Join(table.Titles(), ","); got != "wide,narrow,narrow again" {
		t.Errorf("got the groups %s", got)
	}
}

// What is in two groups is an error that names both; within one it is said twice.
func TestConflicts(t *testing.T) {
	for _, tt := range []struct{ first, second string }{
		{"192.0.2.0/24", "192.0.2.0/24"}, {"192.0.2.1", "192.0.2.1/32"}, {"192.0.2.0/24", "::ffff:192.0.2.0/120"},
		{"*", "0.0.0.0/0"}, {"MX.example.com", "mx.example.com."}, {"*.example.com", "*.EXAMPLE.com"},
	} {
		_, err := groups.Compile([]groups.Group{group(t, "one", tt.first), group(t, "two", "10.0.0.0/8", tt.second)})
		var conflict *groups.Conflict
		if !errors.As(err, &conflict) || *conflict != (groups.Conflict{Group: "two", Index: 2, Entry: tt.second, First: "one"}) {
			t.Errorf("%s and %s: got %v; want a conflict of the second entry of two with one", tt.first, tt.second, err)
		}
		compile(t, group(t, "one", tt.first, tt.second))
	}
}

func TestBadEntries(t *testing.T) {
	for _, text := range []string{"", "*.", "*.*.com", "a..b", "-a.com", "a-.com", "a b.com", "mx.example.com:25", "http://x", "*x.com",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com", "exämple.com"} {
		if e, err := groups.ParseEntry(text); err == nil {
			t.Errorf("%q: got %v; want it refused", text, e)
		}
	}
	var bad *rules.EntryError
	if _, err := groups.ParseEntry("192.0.2.1/24"); !errors.As(err, &bad) || bad.Meant != "192.0.2.0/24" {
		t.Errorf("got %v; want it told what was meant", err)
	}
}

func TestTooMany(t *testing.T) {
	all := make([]groups.Group, groups.Most+1)
	if _, err := groups.Compile(all); !errors.Is(err, groups.ErrTooMany) {
		t.Errorf("got %v; want %v", err, groups.ErrTooMany)
	}
	if table, err := groups.Compile(all[1:]); err != nil || len(table.Titles()) != groups.Most {
		t.Errorf("got %v; want as many as there may be", err)
	}
}

// TestNoGroups: without groups there is no table, and it is in none.
func TestNoGroups(t *testing.T) {
	table := compile(t)
	if table != nil || table.Address(netip.MustParseAddr("192.0.2.1")) != groups.None || table.Name("x") != groups.None || table.Title(groups.None) != "" {
		t.Error("a table without groups finds one")
	}
}

func TestLookupsAllocateNothing(t *testing.T) {
	table := compile(t, group(t, "g", "192.0.2.0/24", "*.example.com"))
	a := netip.MustParseAddr("192.0.2.1")
	if n := testing.AllocsPerRun(100, func() { table.Address(a); table.Name("a.b.c.example.com") }); n > 0 {
		t.Errorf("got %v allocations; want none", n)
	}
}

// FuzzParseEntry: what is an entry finds what it says, in any letters and with the root
// too, and nothing beside it.
func FuzzParseEntry(f *testing.F) {
	for _, seed := range []string{
		"mx.example.com", "*.example.com", "MX.Example.COM.", "*.", "*", "any", "a..b", "-a.b", "_dmarc.example.com",
		"192.0.2.0/24", "192.0.2.1/24", "::ffff:192.0.2.0/120", "2001:db8::/32", "fe80::1%eth0", "10.0.0", "*.10.0.0.1", "", "bücher.example", "a b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := groups.ParseEntry(text)
		if err != nil {
			if bad, ok := errors.AsType[*rules.EntryError](err); !errors.Is(err, groups.ErrName) && (!ok || bad.Text != text) {
				t.Errorf("%q: got %v; want an error about it", text, err)
			}
			return
		}
		if e.String() != text {
			t.Errorf("%q: written %q; want it as it was", text, e)
		}
		table := compile(t, groups.Group{Name: "g", Entries: []groups.Entry{e}})
		if network, err := rules.ParseNetwork(text); err == nil {
			for _, p := range network.Prefixes() {
				if table.Title(table.Address(p.Addr())) != "g" {
					t.Errorf("%q: %v is not in it", text, p.Addr())
				}
			}
			return
		}
		name, below := strings.CutPrefix(text, "*.")
		for _, one := range []struct {
			asked string
			in    bool
		}{
			{name, !below}, {strings.ToUpper(name), !below}, {strings.TrimSuffix(name, ".") + ".", !below},
			{"sub." + name, below}, {"sub.sub." + strings.ToUpper(name), below}, {"sub" + name, false}, {name + ".sub", false},
		} {
			if got := table.Title(table.Name(one.asked)) == "g"; got != one.in {
				t.Errorf("%q: %q is in it: %v; want %v", text, one.asked, got, one.in)
			}
		}
	})
}
