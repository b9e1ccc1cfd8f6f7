package actors

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// figures are the values of one gather, by name and then by the values of the
// labels but the listener's, joined with a comma. A histogram's is its count.
type figures map[string]map[string]float64

func gather(t *testing.T, reg prometheus.Gatherer) figures {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Error(err)
	}
	f := make(figures)
	for _, family := range families {
		values := make(map[string]float64)
		for _, m := range family.Metric {
			values[otherLabels(m)] += value(m) // of all listeners
		}
		f[family.GetName()] = values
	}
	return f
}

func otherLabels(m *dto.Metric) string {
	var values []string
	for _, l := range m.Label {
		if l.GetName() != "listener" {
			values = append(values, l.GetValue())
		}
	}
	return strings.Join(values, ",")
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	}
	return float64(m.Histogram.GetSampleCount())
}

// sum adds a family's series up.
func (f figures) sum(name string) (n float64) {
	for _, v := range f[name] {
		n += v
	}
	return n
}

// failed is how many sessions failed for a reason.
func (f figures) failed(r Reason) float64 {
	// Label values come in the order of the labels' names.
	return f["proxy_session_failures_total"][r.Fault().String()+","+r.String()]
}

// wantFailed waits until n sessions have failed for a reason and no more than n.
func (tr *tree) wantFailed(r Reason, n float64) {
	tr.t.Helper()
	eventually(tr.t, "failure "+r.String(), func() bool { return gather(tr.t, tr.reg).failed(r) >= n })
	if got := gather(tr.t, tr.reg).failed(r); got != n {
		tr.t.Errorf("%v sessions failed for %v; want %v", got, r, n)
	}
}

// wantIdle waits until no session is open and every slot is back.
func (tr *tree) wantIdle() {
	tr.t.Helper()
	eventually(tr.t, "the last session to end", func() bool {
		return gather(tr.t, tr.reg).sum("proxy_active_connections") == 0
	})
	// A serving acceptor holds one for the client it waits for.
	eventually(tr.t, "the slots to come back", func() bool { return len(tr.slots.free) <= 1 })
}

// ledgerAlone gathers the ledger without the figures of the process, which
// take long to collect.
func (m *Metrics) ledgerAlone() prometheus.Gatherer {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(m.Ledger)
	return reg
}

// destinationsAlone gathers the destinations and nothing else.
func (m *Metrics) destinationsAlone() prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		f := m.Ledger.outbound()
		if f == nil {
			return nil, nil
		}
		return []*dto.MetricFamily{f}, nil
	})
}
