package web

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// metricMetadata is a family as KumoMTA's tools read it.
type metricMetadata struct {
	Name       string    `json:"name"`
	Help       string    `json:"help"`
	Doc        string    `json:"doc"`
	MetricType string    `json:"metric_type"`
	LabelNames []string  `json:"label_names"`
	Buckets    []float64 `json:"buckets"`
	Pruning    string    `json:"pruning"`
}

// prunedFamily has series that go when nothing happens to them.
const prunedFamily = "proxy_outbound_connections_total"

// MetricMetadata is what there is to know of each family besides its figures, by
// name, in the JSON that KumoMTA's tools read, indented, with a newline at its end.
// A family that has no series has no labels in it.
func MetricMetadata(g prometheus.Gatherer) ([]byte, error) {
	families, err := g.Gather()
	if err != nil {
		return nil, err
	}
	all := make([]metricMetadata, 0, len(families))
	for _, family := range families {
		all = append(all, metadataOf(family))
	}
	slices.SortFunc(all, func(a, b metricMetadata) int { return cmp.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

func metadataOf(f *dto.MetricFamily) metricMetadata {
	m := metricMetadata{
		Name: f.GetName(), Help: f.GetHelp(), Doc: f.GetHelp(), MetricType: metadataType(f.GetType()),
		LabelNames: []string{}, Buckets: []float64{}, Pruning: "NonPruning",
	}
	if f.GetName() == prunedFamily {
		m.Pruning = "Pruning"
	}
	if len(f.GetMetric()) == 0 {
		return m
	}
	one := f.GetMetric()[0]
	for _, l := range one.GetLabel() {
		m.LabelNames = append(m.LabelNames, l.GetName())
	}
	for _, b := range one.GetHistogram().GetBucket() {
		m.Buckets = append(m.Buckets, b.GetUpperBound())
	}
	return m
}

// metadataType is KumoMTA's name for a type. It has no summaries.
func metadataType(t dto.MetricType) string {
	switch t {
	case dto.MetricType_COUNTER:
		return "Counter"
	case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM:
		return "Histogram"
	case dto.MetricType_SUMMARY:
		return "Summary"
	}
	return "Gauge"
}
