package rules

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
)

// The model judges by looking at every entry in turn, with nothing but
// netip.Prefix.Contains.

func modelNetwork(entries []Network, a netip.Addr) bool {
	for _, e := range entries {
		if e.text == "*" || netip.MustParsePrefix(e.text).Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func modelDestination(entries []modelEntry, a netip.Addr, port uint16) bool {
	for _, e := range entries {
		if e.has(a, port) {
			return true
		}
	}
	return false
}

// modelEntry is an entry before it is written down.
type modelEntry struct {
	prefix    netip.Prefix // not valid: every address
	low, high uint16       // 0: every port
}

func (e modelEntry) has(a netip.Addr, port uint16) bool {
	return (!e.prefix.IsValid() || e.prefix.Contains(a.Unmap())) && (e.high == 0 || e.low <= port && port <= e.high)
}

func (e modelEntry) String() string {
	host := "*"
	if e.prefix.IsValid() {
		host = e.prefix.String()
	}
	if e.high == 0 {
		return host
	}
	if e.prefix.Addr().Is6() {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(e.low)) + "-" + strconv.Itoa(int(e.high))
}

// world makes entries and addresses near enough to each other to meet.
type world struct{ *rand.Rand }

func (w world) addr() netip.Addr {
	tail := [4]byte{byte(w.IntN(2)) << 7, byte(w.IntN(4)), byte(w.IntN(4)) << 6, byte(w.IntN(256))}
	v4 := netip.AddrFrom4([4]byte{23, tail[1], tail[2], tail[3]})
	switch w.IntN(4) {
	case 0:
		return netip.AddrFrom16(v4.As16())
	case 1:
		return v4
	}
	return netip.AddrFrom16([16]byte{0x2a, 0x01, tail[0], 4: tail[1], 7: tail[2], 15: tail[3]})
}

func (w world) prefix() netip.Prefix {
	if w.IntN(12) == 0 {
		return netip.Prefix{}
	}
	a := w.addr().Unmap()
	p, err := a.Prefix(w.IntN(a.BitLen() + 1))
	if err != nil {
		panic(err)
	}
	return p
}

func (w world) entries(t *testing.T) (model []modelEntry, read []Destination) {
	for range w.IntN(12) {
		e := modelEntry{prefix: w.prefix()}
		if w.IntN(3) > 0 {
			e.low = uint16(1 + w.IntN(8))
			e.high = e.low + uint16(w.IntN(3))
		}
		model = append(model, e)
		read = append(read, mustDestinations(t, e.String())...)
	}
	return model, read
}

func (w world) networks(t *testing.T) []Network {
	var list []Network
	for range 1 + w.IntN(12) {
		text := "*"
		if p := w.prefix(); p.IsValid() {
			text = p.String()
		}
		list = append(list, mustNetworks(t, text)...)
	}
	return list
}

// TestListsAgreeWithTheModel: whatever the lists, verdicts are those of the
// model, and the rule that is named has what was judged.
func TestListsAgreeWithTheModel(t *testing.T) {
	w := world{rand.New(rand.NewPCG(3, 7))}
	for range 1500 {
		allow, allowEntries := w.entries(t)
		deny, denyEntries := w.entries(t)
		networks := w.networks(t)
		s := mustCompileUnchecked(t, networks, allowEntries, denyEntries)
		for range 40 {
			a, port := w.addr(), uint16(w.IntN(12))
			wantModel(t, s.Client(a, false), modelNetwork(networks, a), a, networks)
			wantModel(t, s.Source(a), modelNetwork(networks, a), a, networks)

			got := s.Destination(addr(far), netip.AddrPortFrom(a, port))
			denied := modelDestination(deny, a, port)
			want := !denied && (len(allow) == 0 || modelDestination(allow, a, port))
			if got.Allowed != want || (got.Reason == DestinationDenied) != denied {
				t.Fatalf("%v port %d: got %v; want allowed %v\nallow %v\ndeny %v", a, port, got, want, allow, deny)
			}
			list := allow
			if denied {
				list = deny
			}
			if i := got.Rule.Index; i > 0 && (!list[i-1].has(a, port) || list[i-1].String() != got.Rule.Entry) {
				t.Fatalf("%v port %d: got %v; want an entry that has it, of %v", a, port, got, list)
			}
			// What the port decides must hold for every address.
			if name := s.Name(port); !name.Allowed && got.Allowed {
				t.Fatalf("port %d: got %v for a name and %v for %v", port, name, got, a)
			}
		}
	}
}

// mustCompileUnchecked compiles lists that may contradict each other, as random
// ones do, since the model has a verdict for those too.
func mustCompileUnchecked(t *testing.T, networks []Network, allow, deny []Destination) *Set {
	t.Helper()
	s := mustCompile(t, Spec{AllowClients: networks, AllowSources: networks, DenyDestinations: deny})
	if allow != nil {
		s.allow = newDestinations(AllowDestinations, allow)
	}
	s.requireSource = false
	return s
}

func wantModel(t *testing.T, got Verdict, want bool, a netip.Addr, list []Network) {
	t.Helper()
	if got.Allowed != want {
		t.Fatalf("%v: got %v; want allowed %v by %v", a, got, want, list)
	}
	if i := got.Rule.Index; want && !modelNetwork(list[i-1:i], a) {
		t.Fatalf("%v: got %v; want an entry that has it, of %v", a, got, list)
	}
}

// TestCoversAgreesWithTheModel: an entry that is said to be denied whole has no
// address and port that is not.
func TestCoversAgreesWithTheModel(t *testing.T) {
	w := world{rand.New(rand.NewPCG(5, 11))}
	covered := 0
	for range 3000 {
		deny, denyEntries := w.entries(t)
		d := newDestinations(DenyDestinations, denyEntries)
		allow, allowEntries := w.entries(t)
		for i, e := range allowEntries {
			r, ok := d.covers(e)
			for range 30 {
				a, port := w.addr(), uint16(w.IntN(12))
				if ok && allow[i].has(a, port) && !modelDestination(deny, a, port) {
					t.Fatalf("got %v covered by %v, but for %v port %d; deny %v", e, r, a, port, deny)
				}
			}
			for j, one := range deny {
				if one == allow[i] && one.high == 0 && !ok {
					t.Fatalf("got %v not covered; want it covered by number %d of %v", e, j+1, deny)
				}
			}
			if ok {
				covered++
			}
		}
	}
	if covered < 500 {
		t.Errorf("got %d entries covered; want some hundreds, or nothing was tested", covered)
	}
}
