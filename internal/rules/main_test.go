package rules

import (
	"net/netip"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeHost is a machine with the addresses that a test gives it.
type fakeHost struct{ local, attached []netip.Prefix }

func (f *fakeHost) Local(a netip.Addr) bool    { return within(f.local, a) }
func (f *fakeHost) Attached(a netip.Addr) bool { return within(f.attached, a) }

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// testHost is 198.51.100.7/24 and 2001:db8:7::7/64, with a network of its own.
func testHost() *fakeHost {
	return &fakeHost{
		local:    mustPrefixes("198.51.100.7/32", "2001:db8:7::7/128", "203.0.113.128/28"),
		attached: mustPrefixes("198.51.100.0/24", "2001:db8:7::/64"),
	}
}

func mustPrefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// mustNetworks reads a list that was given, though it be empty.
func mustNetworks(t testing.TB, texts ...string) []Network {
	t.Helper()
	all := []Network{}
	for _, text := range texts {
		n, err := ParseNetwork(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func mustDestinations(t testing.TB, texts ...string) []Destination {
	t.Helper()
	all := []Destination{}
	for _, text := range texts {
		d, err := ParseDestination(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func mustCompile(t testing.TB, spec Spec) *Set {
	t.Helper()
	s, err := Compile(&spec, testHost())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
