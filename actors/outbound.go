package actors

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

const (
	outboundName = "proxy_outbound_connections_total"
	outboundHelp = "Connections made to an upstream IP address. Idle addresses lose their series; those beyond the limit count as \"other\"."
)

// outboundDesc is what the labels of the family are made by.
var outboundDesc = prometheus.NewDesc(outboundName, outboundHelp, []string{"listener", "destination"}, nil)

// own gives the families of the registry, and that of the destinations among them.
// Destinations are thousands where all other series are hundreds, and what a
// registry does for each (a channel, a hash of its labels, the sort of a list in no
// order) is most of what a scrape costs. Here they come in order from the start.
func (m *Metrics) own() ([]*dto.MetricFamily, error) {
	families, err := m.registry.Gather()
	if f := m.Ledger.outbound(); f != nil {
		i, _ := slices.BinarySearchFunc(families, outboundName, func(f *dto.MetricFamily, name string) int {
			return strings.Compare(f.GetName(), name)
		})
		families = slices.Insert(families, i, f)
	}
	return families, err
}

// outbound is the family of the destinations of all listeners, ordered as a registry
// orders it: by destination, then by listener. It is nil without a listener.
func (l *Ledger) outbound() *dto.MetricFamily {
	var accounts []*account
	l.each(func(a *account) { accounts = append(accounts, a) })
	slices.SortFunc(accounts, func(a, b *account) int { return strings.Compare(a.listener, b.listener) })
	lists := make([][]*destination, len(accounts))
	for i, a := range accounts {
		lists[i] = a.destinations.inOrder(a.listener)
	}
	all := merge(lists)
	if len(all) == 0 {
		return nil
	}
	return &dto.MetricFamily{
		Name:   new(outboundName),
		Help:   new(outboundHelp),
		Type:   dto.MetricType_COUNTER.Enum(),
		Metric: counters(all),
	}
}

// counters are the series of the destinations, with few allocations for all. They
// are made anew each time, since two scrapes may be read at once.
func counters(all []*destination) []*dto.Metric {
	var (
		list    = make([]*dto.Metric, len(all))
		metrics = make([]dto.Metric, len(all))
		counted = make([]dto.Counter, len(all))
		values  = make([]float64, len(all))
	)
	for i, d := range all {
		values[i] = float64(d.connected.Load())
		counted[i].Value = &values[i]
		metrics[i].Label, metrics[i].Counter = d.labels, &counted[i]
		list[i] = &metrics[i]
	}
	return list
}

// merge makes one list of several, each of which is in the order of its labels. Of
// equal labels, that of the earlier list comes first. It may return one of lists.
func merge(lists [][]*destination) []*destination {
	switch n := len(lists); n {
	case 0:
		return nil
	case 1:
		return lists[0]
	default:
		return mergeTwo(merge(lists[:n/2]), merge(lists[n/2:]))
	}
}

func mergeTwo(a, b []*destination) []*destination {
	all := make([]*destination, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		from := &a
		if b[0].label < a[0].label {
			from = &b
		}
		all = append(all, (*from)[0])
		*from = (*from)[1:]
	}
	return append(append(all, a...), b...)
}
