package actors

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/transport"
)

func TestReadBanner(t *testing.T) {
	for _, tt := range []struct {
		line  string
		whole bool
		want  BannerClass
	}{
		{"220 mx.example ESMTP", true, Banner2xx},
		{"220-mx.example", true, Banner2xx},
		{"220", true, Banner2xx},
		{"421 4.7.0 try later", true, Banner4xx},
		{"554 5.7.1 blocked using dnsbl.example", true, Banner5xx},
		{"554 5.7.1 " + strings.Repeat("x", 502), false, Banner5xx}, // longer than is told
		{"", false, BannerNone},
		{"", true, BannerOther},
		{"2", true, BannerOther},
		{"2x0 hello", true, BannerOther},
		{"2200 hello", true, BannerOther},
		{"354 go on", true, BannerOther},
		{"SSH-2.0-OpenSSH_9.2", true, BannerOther},
		{"\x16\x03\x01", false, BannerOther},
	} {
		got := readBanner(transport.Banner{Line: tt.line, Whole: tt.whole, After: time.Second})
		text := tt.line
		if tt.want == Banner2xx {
			text = ""
		}
		if want := (banner{class: tt.want, after: time.Second, text: text}); got != want {
			t.Errorf("%.30q: got %+v; want %+v", tt.line, got, want)
		}
	}
}

// TestBannerIsKept: what an upstream says first is known of its session, at the
// ports that it is asked for.
func TestBannerIsKept(t *testing.T) {
	echo, other := startUpstream(t), startUpstream(t)
	var w witness
	var log journal
	tr := startTree(t, witnessed(&w), func(s *setup) { s.banners, s.log = []uint16{echo.addr.Port()}, log.logger() })
	for i, tt := range []struct {
		upstream *upstream
		says     string
		class    BannerClass
		text     string
	}{
		{echo, "220 mx.example ESMTP\r\n", Banner2xx, ""},
		{echo, "554 5.7.1 blocked\r\n", Banner5xx, "554 5.7.1 blocked"},
		{echo, "421 go", Banner4xx, "421 go"},
		{echo, "SSH-2.0-x\r\n", BannerOther, "SSH-2.0-x"},
		{echo, "", BannerNone, ""},
		{other, "554 5.7.1 blocked\r\n", BannerUnread, ""},
	} {
		c := tr.mustOpen(tt.upstream.addr)
		if tt.says != "" {
			must(t, c.echo(tt.says))
		}
		must(t, c.finish())
		e := w.next(t, i)
		if e.Banner != tt.class || e.BannerText != tt.text || (e.BannerAfter > 0) != (tt.class != BannerUnread) {
			t.Errorf("%.20q: got %v %q after %v; want %v %q", tt.says, e.Banner, e.BannerText, e.BannerAfter, tt.class, tt.text)
		}
		refusal := ""
		if tt.class == Banner4xx || tt.class == Banner5xx {
			refusal = tt.text
		}
		if got := e.Refusal(); got != refusal {
			t.Errorf("%.20q: got the refusal %q; want %q", tt.says, got, refusal)
		}
		line := "banner=" + tt.class.String()
		if refusal != "" {
			line += ` refusal="` + refusal + `"`
		}
		if got := log.has(line + " end=fin"); got != (tt.class != BannerUnread) {
			t.Errorf("%.20q: %s is in the log: %v", tt.says, line, got)
		}
	}
}

// TestBannersAreCounted by the sources that they were said to, with the last refusal
// whole, and one line in the log. A listener may have none of it.
func TestBannersAreCounted(t *testing.T) {
	for _, read := range []bool{true, false} {
		up := startUpstream(t)
		var log journal
		tr := startTree(t, withSources("127.0.0.2/31", "0.0.0.0/0"), func(s *setup) {
			s.banners, s.log, s.listeners[0].Banner = []uint16{up.addr.Port()}, log.logger(), read
		})
		for _, tt := range []struct{ source, says string }{
			{"127.0.0.2", "554 5.7.1 blocked using dnsbl.example\r\n"},
			{"127.0.0.2", "554 5.7.1 still blocked\r\n"},
			{"127.0.0.3", "220 mx.example\r\n"},
			{"127.0.0.3", ""},
			{"127.0.0.4", "421 later\r\n"}, // is not known from load
		} {
			tr.greetedAt(tt.source, up.addr, tt.says)
		}
		want := map[string][source.Classes]uint64{"127.0.0.2": {0, 0, 2, 0}, "127.0.0.3": {1, 0, 0, 1}, "127.0.0.4": {0, 1, 0, 0}}
		if !read {
			clear(want)
		}
		for address, s := range tr.sources() {
			if s.Greetings != want[address] {
				t.Errorf("banner = %v, %s: got %v; want %v", read, address, s.Greetings, want[address])
			}
		}
		blocked := tr.sources()["127.0.0.2"].Refusal
		if read && (blocked == nil || blocked.Text != "554 5.7.1 still blocked" || blocked.From != up.addr) || !read && blocked != nil {
			t.Errorf("banner = %v: got the refusal %+v; want the last", read, blocked)
		}
		if got := log.has(`msg="an upstream refuses a source" source=127.0.0.2 destination=` + up.addr.String() + ` said="554 5.7.1 blocked using dnsbl.example" untold=0`); got != read {
			t.Errorf("banner = %v: the refusal is in the log: %v", read, got)
		}
		if log.has(`said="554 5.7.1 still blocked"`) {
			t.Error("the second refusal within a minute is in the log too")
		}
		for class, n := range map[string]float64{"2xx": 1, "4xx": 1, "5xx": 2, "none": 1} {
			if !read {
				n = 0
			}
			if got := tr.sum("proxy_banner_total", class); got != n {
				t.Errorf("banner = %v: got %v of %s in the metrics; want %v", read, got, class, n)
			}
		}
	}
}

// greetedAt has a session from a source, to whom the upstream says something first.
func (tr *tree) greetedAt(from string, upstream netip.AddrPort, says string) {
	tr.t.Helper()
	c := tr.mustDial()
	must(tr.t, c.greet())
	for _, b := range [][]byte{request(2, netip.AddrPortFrom(netip.MustParseAddr(from), 0)), request(1, upstream)} {
		if code, err := c.ask(b); code != 0 || err != nil {
			tr.t.Fatalf("got %d, %v; want it granted", code, err)
		}
	}
	if says != "" {
		must(tr.t, c.echo(says))
	}
	must(tr.t, c.finish())
	eventually(tr.t, "the end of the session", func() bool { return tr.sources()[from].Sessions == 0 })
}

// sum is that of a class of banners, over all sources.
func (tr *tree) sum(family, class string) (n float64) {
	tr.t.Helper()
	families, err := tr.reg.Gather()
	must(tr.t, err)
	for _, f := range families {
		if f.GetName() != family {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "class" && l.GetValue() == class {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

// TestBannerOfAFailedSession: one whose actor panics before it is told of the line
// is counted too.
func TestBannerOfAFailedSession(t *testing.T) {
	up := startUpstream(t)
	tr := startTree(t, func(s *setup) {
		s.banners, s.groups = []uint16{up.addr.Port()}, grouped(t, []string{"here", "127.0.0.0/8"})
	})
	c := tr.mustOpen(up.addr)
	tr.sys.actors.Root.Send(tr.connectionOf(c), &boom{})
	eventually(t, "the end of the session", func() bool { return tr.sources()["127.0.0.1"].Sessions == 0 })
	if got := tr.sources()["127.0.0.1"].Greetings; got != [source.Classes]uint64{0, 0, 0, 1} {
		t.Errorf("got %v; want one that has said nothing", got)
	}
	want := []string{"127.0.0.1 here none 1", "other here 5xx 0"}
	eventually(t, "the figures", func() bool { return slices.Equal(groupSeries(t, &tr.metrics.groups.banners), want) })
}

// TestBannersByGroup: what is said to a source counts for the group of the upstream,
// with the address that the upstream has seen.
func TestBannersByGroup(t *testing.T) {
	up, other := startUpstream(t), startUpstream(t)
	tr := startTree(t, withSources("127.0.0.2/31"), func(s *setup) {
		s.banners = []uint16{up.addr.Port()}
		s.groups = grouped(t, []string{"here", "127.0.0.0/8"}, []string{"elsewhere", "192.0.2.0/24"})
	})
	for _, one := range []struct{ source, says string }{
		{"127.0.0.2", "554 5.7.1 blocked\r\n"}, {"127.0.0.2", "554 5.7.1 blocked\r\n"}, {"127.0.0.2", "220 mx\r\n"},
		{"127.0.0.3", "421 later\r\n"}, {"127.0.0.3", ""},
	} {
		tr.greetedAt(one.source, up.addr, one.says)
	}
	tr.greetedAt("127.0.0.3", other.addr, "554 nobody looks\r\n")
	want := []string{
		"127.0.0.2 here 2xx 1", "127.0.0.2 here 5xx 2", "127.0.0.3 here 4xx 1", "127.0.0.3 here none 1",
		"other elsewhere 5xx 0", "other here 5xx 0",
	}
	eventually(t, "the figures", func() bool { return len(groupSeries(t, &tr.metrics.groups.banners)) == len(want) })
	if got := groupSeries(t, &tr.metrics.groups.banners); !slices.Equal(got, want) {
		t.Errorf("got the series %q; want %q", got, want)
	}
	if got := tr.sum("proxy_group_banner_total", "5xx"); got != 2 {
		t.Errorf("got %v of 5xx in the metrics; want 2", got)
	}
}
