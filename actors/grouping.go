package actors

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/socks5"
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
		s.groups.count(a.source.Addr(), s.limits.groups.Title(a.group), a.result)
	}
}

// mostGroupSeries is how many sources, groups and results have a series of their
// own; those that come later are counted by group and result alone.
const mostGroupSeries = 10_000

// Labels for what is no single source.
const (
	systemSource = "system"      // the routes of the host choose it
	otherSources = overflowLabel // there is no room for more
)

// groupDials counts dials by source, group and result. Series are made as they
// are needed and never go. The zero value is ready; it may be used by any goroutine.
type groupDials struct {
	mu     sync.RWMutex
	series map[groupDial]*atomic.Uint64
	own    int // of them, those of a single source
}

// groupDial is what is counted apart.
type groupDial struct {
	source netip.Addr // not valid: the system's choice
	other  bool       // all sources without a series of their own
	group  string
	result egress.Result
}

// expect makes a series for each group, so that its family is there at 0 before the
// first dial.
func (g *groupDials) expect(t *groups.Table) {
	for _, group := range t.Titles() {
		g.begin(groupDial{other: true, group: group, result: egress.Connected})
	}
}

func (g *groupDials) count(source netip.Addr, group string, result egress.Result) {
	if source.IsUnspecified() {
		source = netip.Addr{}
	}
	key := groupDial{source: source, group: group, result: result}
	g.mu.RLock()
	n := g.series[key]
	g.mu.RUnlock()
	if n == nil {
		n = g.begin(key)
	}
	n.Add(1)
}

// begin makes a series, or gives that of all sources when there is no room.
func (g *groupDials) begin(key groupDial) *atomic.Uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.series[key]; n != nil {
		return n
	}
	switch {
	case key.other:
	case g.own < mostGroupSeries:
		g.own++
	default:
		key.source, key.other = netip.Addr{}, true
		if n := g.series[key]; n != nil {
			return n
		}
	}
	if g.series == nil {
		g.series = make(map[groupDial]*atomic.Uint64)
	}
	n := new(atomic.Uint64)
	g.series[key] = n
	return n
}

var groupDialsDesc = prometheus.NewDesc("proxy_group_dials_total",
	"CONNECT requests to a group of destinations by the source they were sent from and by how dialling ended. source: \"system\" where the host's routes choose, "+
		"\"other\" for all that came when 10000 series were there. What has not happened yet has no series but those of the groups.",
	[]string{"source", "group", "result"}, nil)

// Describe implements prometheus.Collector.
func (g *groupDials) Describe(ch chan<- *prometheus.Desc) { ch <- groupDialsDesc }

// Collect implements prometheus.Collector.
func (g *groupDials) Collect(ch chan<- prometheus.Metric) {
	// Copied first: the channel may block, and connections wait for this lock.
	g.mu.RLock()
	all := make([]groupSample, 0, len(g.series))
	for key, n := range g.series {
		all = append(all, groupSample{key, n.Load()})
	}
	g.mu.RUnlock()
	for i := range all {
		ch <- &all[i]
	}
}

// groupSample is a series with the value it had at one moment.
type groupSample struct {
	groupDial
	n uint64
}

// Desc implements prometheus.Metric.
func (*groupSample) Desc() *prometheus.Desc { return groupDialsDesc }

// Write implements prometheus.Metric.
func (s *groupSample) Write(out *dto.Metric) error {
	source := s.source.String()
	switch {
	case s.other:
		source = otherSources
	case !s.source.IsValid():
		source = systemSource
	}
	v := float64(s.n)
	out.Label = prometheus.MakeLabelPairs(groupDialsDesc, []string{source, s.group, s.result.String()})
	out.Counter = &dto.Counter{Value: &v}
	return nil
}
