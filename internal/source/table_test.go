package source

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/egress"
)

func TestDialsHaveRoom(t *testing.T) {
	if got := len((&Source{}).dials); got < len(egress.Results()) {
		t.Errorf("got room for %d results; want %d", got, len(egress.Results()))
	}
}

// TestOthersAreBounded: whatever is asked for, what is in use stays and what the
// policy names too.
func TestOthersAreBounded(t *testing.T) {
	table := NewTable(nil)
	table.Know([]netip.Prefix{network("203.0.113.7/32")})
	used := table.Enter(addr("10.255.255.255"))
	for i := range 100_000 {
		table.TriedBind(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), false, noon)
	}
	listed := make(map[netip.Addr]bool)
	for _, s := range table.Listed() {
		listed[s.Address()] = true
	}
	if len(listed) != MostOthers+1 {
		t.Errorf("got %d sources; want %d", len(listed), MostOthers+1)
	}
	for _, text := range []string{"203.0.113.7", "10.255.255.255", "10.1.134.159"} { // the last is the newest
		if !listed[addr(text)] {
			t.Errorf("got %s dropped", text)
		}
	}
	used.Leave()
	for i := range MostOthers {
		table.Enter(netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}))
	}
	if s := table.Enter(addr("192.0.2.1")); s != table.Elsewhere() || s.Status(noon).Sessions != 1 {
		t.Errorf("got %v; want it counted elsewhere, since all others are in use", s.Address())
	}
}

func TestKnowKeepsFigures(t *testing.T) {
	table := NewTable(nil)
	told := 0
	table.OnChange(func() { told++ })
	table.Dialled(addr("192.0.2.1"), egress.Connected, noon)
	table.Dialled(addr("192.0.2.9"), egress.Connected, noon)
	if told != 1 {
		t.Errorf("got told %d times; want once until somebody looks", told)
	}
	table.Looked()
	table.Know([]netip.Prefix{network("192.0.2.0/30"), network("192.0.2.2/32"), network("2001:db8::/64")})
	table.Know([]netip.Prefix{network("192.0.2.2/32"), network("192.0.2.9/32")})
	if told != 2 {
		t.Errorf("got told %d times; want 2", told)
	}
	got := make(map[string]bool)
	for _, s := range table.Statuses(noon) {
		got[s.Address.String()] = s.Known
		if connected, _ := s.Tried(); connected != 1 && s.Address != addr("192.0.2.2") {
			t.Errorf("%v: got %d connected; want what was counted before", s.Address, connected)
		}
	}
	if len(got) != 3 || got["192.0.2.1"] || !got["192.0.2.2"] || !got["192.0.2.9"] {
		t.Errorf("got %v known; want 192.0.2.2 and .9, and .1 as another", got)
	}
}

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1/32 192.0.2.1/32":        "192.0.2.1",
		"192.0.2.0/30":                     "192.0.2.1 192.0.2.2",
		"192.0.2.0/31":                     "192.0.2.0 192.0.2.1",
		"2001:db8::/126":                   "2001:db8::1 2001:db8::2 2001:db8::3",
		"192.0.2.0/30 192.0.2.9/32":        "192.0.2.9 192.0.2.1 192.0.2.2",
		"192.0.2.0/23 2001:db8::/119 ::/0": "",
		"0.0.0.0/32":                       "",
	} {
		var networks []netip.Prefix
		for _, one := range strings.Fields(text) {
			networks = append(networks, network(one))
		}
		known, _ := expand(networks)
		var got []string
		for _, one := range known {
			got = append(got, one.addr.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q; want %q", text, got, want)
		}
	}
	var many []netip.Prefix
	for i := range 20 {
		many = append(many, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24))
	}
	if known, left := expand(many); len(known) != MostKnown || len(left) != 4 {
		t.Errorf("got %d addresses, %v left; want %d and the last four", len(known), left, MostKnown)
	}
}

// TestJudge: a bind is the judge of what is plumbed, but where it proves nothing.
func TestJudge(t *testing.T) {
	here, gone := addr("192.0.2.1"), addr("192.0.2.2")
	h := &host{plumbed: map[netip.Addr]bool{here: true}}
	table := NewTable(h)
	if verdict, _ := table.Judge(gone, false, noon); verdict != Usable {
		t.Errorf("got %v; want it left to the bind", verdict)
	}
	if table.Choosable(gone, false, noon) || !table.Choosable(here, false, noon) {
		t.Error("got an unplumbed source chosen, or a plumbed one not")
	}
	h.bindsAny = true
	for a, want := range map[netip.Addr]Verdict{gone: IsUnplumbed, here: Usable} {
		if verdict, _ := table.Judge(a, false, noon); verdict != want {
			t.Errorf("%v: got %v; want %v", a, verdict, want)
		}
	}
	apply(t, table, noon, Change{Network: network("192.0.2.1/32"), Standing: Paused, Reason: "listed"})
	if verdict, hold := table.Judge(addr("::ffff:192.0.2.1"), false, noon); verdict != IsPaused || hold.Reason != "listed" {
		t.Errorf("got %v, %v; want it paused, however it is written", verdict, hold)
	}
	if table.Choosable(here, false, noon) {
		t.Error("got a paused source chosen")
	}
}

// TestFreebound: what is bound without being plumbed is not missed, and may be
// chosen, unless somebody holds it back.
func TestFreebound(t *testing.T) {
	here, free, gone := addr("2001:db8:1::1"), addr("2001:db8:1::2"), addr("2001:db8:2::2")
	table := NewTable(&host{plumbed: map[netip.Addr]bool{here: true}, bindsAny: true})
	table.Know([]netip.Prefix{network("2001:db8:1::1/128"), network("2001:db8:1::2/128"), network("2001:db8:2::2/128")})
	table.KnowFree([]netip.Prefix{network("2001:db8:1::/64")})
	for _, one := range table.Statuses(noon) {
		want := map[netip.Addr]Plumbing{here: Plumbed, free: Freebound, gone: Unplumbed}[one.Address]
		if one.Plumbing != want || one.Missed != (want == Unplumbed) {
			t.Errorf("%v: got plumbed %v, missed %v; want %v", one.Address, one.Plumbing, one.Missed, want)
		}
		if got, _ := table.Look(one.Address, noon); got != want {
			t.Errorf("%v: looked at, got %v; want %v", one.Address, got, want)
		}
	}
	if !table.Choosable(free, true, noon) || table.Choosable(free, false, noon) {
		t.Error("got it chosen where it has to be plumbed, or not where it need not be")
	}
	if verdict, _ := table.Judge(free, true, noon); verdict != Usable {
		t.Errorf("got %v; want it usable", verdict)
	}
	apply(t, table, noon, Change{Network: network("2001:db8:1::2/128"), Standing: Paused, Reason: "listed"})
	if verdict, _ := table.Judge(free, true, noon); verdict != IsPaused || table.Choosable(free, true, noon) {
		t.Errorf("paused: got %v; want it held back", verdict)
	}
	table.KnowFree(nil)
	if got, _ := table.Look(free, noon); got != Unplumbed {
		t.Errorf("no longer bound freely: got %v; want no", got)
	}
}

// TestPlumbingByBinds: where the system does not say.
func TestPlumbingByBinds(t *testing.T) {
	table := NewTable(&host{unknown: true})
	a := addr("192.0.2.1")
	table.Know([]netip.Prefix{network("192.0.2.1/32")})
	s := table.Known()[0]
	for _, step := range []struct {
		do   func()
		want Plumbing
	}{
		{func() {}, PlumbingUnknown},
		{func() { table.TriedBind(a, false, noon) }, Unplumbed},
		{func() { table.TriedBind(a, true, noon) }, Plumbed},
	} {
		step.do()
		if got := table.Plumbing(s); got != step.want {
			t.Errorf("got %v; want %v", got, step.want)
		}
	}
	table.TriedBind(a, false, noon)
	if table.Choosable(a, false, noon) || !table.Choosable(a, false, noon.Add(BindMemory)) {
		t.Error("got a source chosen that has just failed, or never tried again")
	}
}

// TestTrouble: what costs most is first.
func TestTrouble(t *testing.T) {
	h := &host{plumbed: map[netip.Addr]bool{}}
	table := NewTable(h)
	names := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}
	for _, text := range names {
		h.plumbed[addr(text)] = true
		table.Know([]netip.Prefix{network("192.0.2.0/29"), network("192.0.2.4/32")})
	}
	blocked := table.Enter(addr("192.0.2.3"))
	blocked.Greeted(Permanent, "554 blocked using lists.example", netip.MustParseAddrPort("198.51.100.1:25"), noon)
	h.plumbed[addr("192.0.2.4")] = false
	h.plumbed[addr("192.0.2.6")] = false // of the network alone, and nobody has asked for it
	apply(t, table, noon, Change{Network: network("192.0.2.5/32"), Standing: Paused})
	table.Dialled(addr("192.0.2.2"), egress.TimedOut, noon)
	var got []string
	all := table.Statuses(noon)
	for want := range 5 {
		best := 0
		for i := range all {
			if all[i].Trouble(noon) > all[best].Trouble(noon) {
				best = i
			}
		}
		if want < 4 {
			got = append(got, all[best].Address.String())
		}
		all = append(all[:best], all[best+1:]...)
	}
	if want := "192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.2"; strings.Join(got, " ") != want {
		t.Errorf("got %v first; want %s", got, want)
	}
}
