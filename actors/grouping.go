package actors

import (
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/internal/source"
)

// groupOf is the group of what a client asks for, as far as that says it.
func (l *limits) groupOf(a socks5.Address) groups.ID {
	if a.IsName() {
		return l.groups.Name(a.Host)
	}
	return l.groups.Address(a.IP)
}

// grouped adds to a dial result where it was dialled from, and the group. A name
// that is in none itself is in that of the address that was dialled: of the one
// that connected, or else of the first.
func (m *machine) grouped(a action) action {
	if m.limits.groups == nil {
		return a
	}
	d := m.dial
	a.source = m.source
	if len(d.tried) > 0 {
		a.source = netip.AddrPortFrom(d.tried[d.won].from, 0)
		if m.group == groups.None && d.target.IsName() {
			m.group = m.limits.groups.Address(d.tried[d.won].to.Addr())
		}
	}
	a.group = m.group
	return a
}

// countGroup counts a dial result, if it was for a group.
func (s *shared) countGroup(a *action) {
	if a.group != groups.None {
		s.groups.dials.count(a.source.Addr(), s.limits.groups.Title(a.group), a.result)
	}
}

// countBanner counts what the upstream said first, if it is of a group: by the address
// that it has seen, also where the host's routes chose that.
func (c *connection) countBanner(class BannerClass) {
	if c.group != groups.None {
		c.shared.groups.banners.count(c.record.source.Addr(), c.limits.groups.Title(c.group), class.greeting())
	}
}

var (
	groupDialsDesc = prometheus.NewDesc("proxy_group_dials_total",
		"CONNECT requests to a group of destinations by the source they were sent from and by how dialling ended. source: \"system\" where the host's routes choose, "+
			"\"other\" for all that came when 10000 series were there. What has not happened yet has no series but those of the groups.",
		[]string{"source", "group", "result"}, nil)
	groupBannersDesc = prometheus.NewDesc("proxy_group_banner_total",
		"Sessions to a group of destinations by the source that it has seen and by the first line of the upstream, as in proxy_banner_total. "+
			"source=\"other\" are all that came when 10000 series were there. What has not happened yet has no series but those of the groups. "+
			"5xx at several groups: the source is on a list that they share.",
		[]string{"source", "group", "class"}, nil)
)

// groupFigures are what is counted by destination group.
type groupFigures struct {
	dials   groupCounts[egress.Result]
	banners groupCounts[source.Class]
}

func newGroupFigures() groupFigures {
	return groupFigures{dials: groupCounts[egress.Result]{desc: groupDialsDesc}, banners: groupCounts[source.Class]{desc: groupBannersDesc}}
}

// expect has a series of each group in each family, so that it is there at 0 before
// the first session.
func (f *groupFigures) expect(t *groups.Table) {
	for _, group := range t.Titles() {
		f.dials.expect(group, egress.Connected)
		f.banners.expect(group, source.Permanent)
	}
}

// Describe implements prometheus.Collector.
func (f *groupFigures) Describe(ch chan<- *prometheus.Desc) {
	ch <- f.dials.desc
	ch <- f.banners.desc
}

// Collect implements prometheus.Collector.
func (f *groupFigures) Collect(ch chan<- prometheus.Metric) {
	f.dials.collect(ch)
	f.banners.collect(ch)
}
