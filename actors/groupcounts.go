package actors

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// mostGroupSeries is how many sources, groups and what came of them have a series of
// their own in a family; those that come later are counted without their source.
const mostGroupSeries = 10_000

// Labels for what is no single source.
const (
	systemSource = "system"      // the routes of the host choose it
	otherSources = overflowLabel // there is no room for more
)

// happening is what is counted: an enumeration whose values have names.
type happening interface {
	comparable
	fmt.Stringer
}

// groupCounts is a family that counts by source, group and something else. Series are
// made as they are needed and never go. It may be used by any goroutine.
type groupCounts[W happening] struct {
	desc *prometheus.Desc

	mu     sync.RWMutex
	series map[groupKey[W]]*atomic.Uint64
	own    int // of them, those of a single source
}

// groupKey is what is counted apart.
type groupKey[W happening] struct {
	source netip.Addr // not valid: the system's choice
	other  bool       // all sources without a series of their own
	group  string
	what   W
}

// expect makes the series of a group without a source.
func (g *groupCounts[W]) expect(group string, what W) {
	g.begin(groupKey[W]{other: true, group: group, what: what})
}

func (g *groupCounts[W]) count(source netip.Addr, group string, what W) {
	if source.IsUnspecified() {
		source = netip.Addr{}
	}
	key := groupKey[W]{source: source, group: group, what: what}
	g.mu.RLock()
	n := g.series[key]
	g.mu.RUnlock()
	if n == nil {
		n = g.begin(key)
	}
	n.Add(1)
}

// begin makes a series, or gives that of all sources when there is no room.
func (g *groupCounts[W]) begin(key groupKey[W]) *atomic.Uint64 {
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
		g.series = make(map[groupKey[W]]*atomic.Uint64)
	}
	n := new(atomic.Uint64)
	g.series[key] = n
	return n
}

func (g *groupCounts[W]) collect(ch chan<- prometheus.Metric) {
	// Copied first: the channel may block, and connections wait for this lock.
	g.mu.RLock()
	all := make([]groupSample[W], 0, len(g.series))
	for key, n := range g.series {
		all = append(all, groupSample[W]{key, g.desc, n.Load()})
	}
	g.mu.RUnlock()
	for i := range all {
		ch <- &all[i]
	}
}

// groupSample is a series with the value it had at one moment.
type groupSample[W happening] struct {
	groupKey[W]
	desc *prometheus.Desc
	n    uint64
}

// Desc implements prometheus.Metric.
func (s *groupSample[W]) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *groupSample[W]) Write(out *dto.Metric) error {
	v := float64(s.n)
	out.Label = prometheus.MakeLabelPairs(s.desc, []string{s.sourceLabel(), s.group, s.what.String()})
	out.Counter = &dto.Counter{Value: &v}
	return nil
}

func (k *groupKey[W]) sourceLabel() string {
	switch {
	case k.other:
		return otherSources
	case !k.source.IsValid():
		return systemSource
	}
	return k.source.String()
}
