package actors

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// grouped are groups by name and their entries.
func grouped(t testing.TB, all ...[]string) *groups.Table {
	t.Helper()
	var specs []groups.Group
	for _, texts := range all {
		g := groups.Group{Name: texts[0]}
		for _, text := range texts[1:] {
			e, err := groups.ParseEntry(text)
			if err != nil {
				t.Fatal(err)
			}
			g.Entries = append(g.Entries, e)
		}
		specs = append(specs, g)
	}
	table, err := groups.Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestGroupOfDial: a name is in the group that has it, or in that of the address
// that is dialled; the policy is told as far as it is known.
func TestGroupOfDial(t *testing.T) {
	table := grouped(t, []string{"near", "192.0.2.0/24"}, []string{"far", "198.51.100.0/24", "*.example.com"})
	name := func(host string) []byte { return requestName(host, 25) }
	for _, tt := range []struct {
		what    string
		request []byte
		addrs   []string // of the name
		errs    []error  // of the attempts; nil: it connects
		asked   string   // the group that the policy hears of
		want    string
	}{
		{what: "an address", request: connect4, errs: []error{nil}, asked: "near", want: "near"},
		{what: "an address that refuses", request: connect4, errs: []error{syscall.ECONNREFUSED}, asked: "near", want: "near"},
		{what: "a name of a group", request: name("mx.example.com"), addrs: []string{"192.0.2.1"}, errs: []error{nil}, asked: "far", want: "far"},
		{what: "a name by its address", request: name("mx"), addrs: []string{"192.0.2.1"}, errs: []error{nil}, want: "near"},
		{what: "the address that connects", request: name("mx"), addrs: []string{"192.0.2.1", "198.51.100.1"}, errs: []error{syscall.ECONNREFUSED, nil}, want: "far"},
		{what: "the first that is tried", request: name("mx"), addrs: []string{"192.0.2.1", "198.51.100.1"}, errs: []error{syscall.ECONNREFUSED, syscall.ECONNREFUSED}, want: "near"},
		{what: "in none", request: name("mx"), addrs: []string{"203.0.113.1"}, errs: []error{nil}},
	} {
		d := newDriver(t, limits{groups: table})
		d.m.handlers = handlers{request: true}
		d.send(greetNone...)
		d.send(tt.request...)
		if got := d.questions[0].request.Group; got != tt.asked {
			t.Errorf("%s: the policy hears of the group %q; want %q", tt.what, got, tt.asked)
		}
		d.feed(event{kind: evAnswered, answer: &answer{number: 1}})
		var addrs []netip.Addr
		for _, text := range tt.addrs {
			addrs = append(addrs, netip.MustParseAddr(text))
		}
		if addrs != nil {
			d.feed(event{kind: evResolved, addrs: addrs, last: true})
		}
		for n, err := range tt.errs {
			d.feed(event{kind: evDialed, n: n, addr: ourSide, err: err})
		}
		if got := table.Title(d.m.group); got != tt.want || len(d.results) != 1 {
			t.Errorf("%s: got the group %q, results %v; want %q and one", tt.what, got, d.results, tt.want)
		}
	}
}

// TestGroupOfPolicysChoice: where the policy sends it elsewhere, the group is that
// of what is dialled.
func TestGroupOfPolicysChoice(t *testing.T) {
	table := grouped(t, []string{"near", "192.0.2.0/24"}, []string{"far", "198.51.100.0/24"})
	d := newDriver(t, limits{groups: table})
	d.m.handlers = handlers{request: true}
	d.send(greetNone...)
	d.send(connect4...)
	d.feed(event{kind: evAnswered, answer: &answer{number: 1, decision: policy.Decision{Destination: netip.MustParseAddrPort("198.51.100.1:25")}}})
	if got := table.Title(d.m.group); got != "far" {
		t.Errorf("got the group %q; want far", got)
	}
}

// TestGroupFigures: the group of a session is in the list, in what is told of its
// end, and in the figures, with the source that it was sent from.
func TestGroupFigures(t *testing.T) {
	var ends witness
	up, closed := startUpstream(t), closedPort(t)
	tr := startTree(t, witnessed(&ends), func(s *setup) {
		s.groups = grouped(t, []string{"here", "127.0.0.0/8"}, []string{"elsewhere", "192.0.2.0/24"})
	})
	open := tr.mustOpen(up.addr)
	if all := slices.Collect(tr.sys.Sessions()); len(all) != 1 || all[0].Group != "here" {
		t.Errorf("got the sessions %+v; want one to here", all)
	}
	refused := tr.mustDial()
	must(t, refused.greet())
	if code, err := refused.ask(request(2, netip.MustParseAddrPort("127.0.0.1:0"))); err != nil || code != 0 {
		t.Fatalf("BIND answered %d, %v", code, err)
	}
	if code, err := refused.ask(request(1, closed)); err != nil || code != byte(socks5.ConnectionRefused) {
		t.Fatalf("CONNECT answered %d, %v; want it refused", code, err)
	}
	must(t, open.finish())
	eventually(t, "the ends", func() bool { return len(ends.told()) == 2 })
	for _, e := range ends.told() {
		if e.Group != "here" {
			t.Errorf("told of %+v; want its group", e)
		}
	}
	got := groupSeries(t, &tr.metrics.groups.dials)
	want := []string{"127.0.0.1 here refused 1", "other elsewhere connected 0", "other here connected 0", "system here connected 1"}
	if !slices.Equal(got, want) {
		t.Errorf("got the series %q; want %q", got, want)
	}
	if tr.value("proxy_group_dials_total", "source", "127.0.0.1") != 1 {
		t.Error("proxy_group_dials_total is not shown")
	}
}

// groupSeries are what is counted, sorted.
func groupSeries[W happening](t *testing.T, g *groupCounts[W]) (all []string) {
	t.Helper()
	g.mu.RLock()
	defer g.mu.RUnlock()
	for key, n := range g.series {
		all = append(all, fmt.Sprintf("%s %s %s %d", key.sourceLabel(), key.group, key.what, n.Load()))
	}
	slices.Sort(all)
	return all
}

// TestGroupSeriesAreBounded: when there is no room, sources are counted together,
// and nothing is lost.
func TestGroupSeriesAreBounded(t *testing.T) {
	var g groupCounts[egress.Result]
	source := netip.MustParseAddr("10.0.0.0")
	for range mostGroupSeries + 500 {
		g.count(source, "g", egress.Connected)
		source = source.Next()
	}
	g.count(source, "g", egress.Refused)
	g.count(netip.MustParseAddr("10.0.0.0"), "g", egress.Connected)
	all := groupSeries(t, &g)
	if len(all) != mostGroupSeries+2 {
		t.Errorf("got %d series; want %d and two for all others", len(all), mostGroupSeries)
	}
	for _, want := range []string{"10.0.0.0 g connected 2", "other g connected 500", "other g refused 1"} {
		if !slices.Contains(all, want) {
			t.Errorf("got %d series without %q, the last is %q", len(all), want, strings.Join(all[len(all)-2:], "; "))
		}
	}
}
