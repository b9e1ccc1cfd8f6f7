package actors

import (
	"context"
	"math"

	dto "github.com/prometheus/client_model/go"
)

// Figures are all figures of the daemon as plain values, for Lua. It is what
// /metrics.json of the HTTP listener shows, in maps and lists: by name of the
// family a map with help, type and value. A value without labels is the figure,
// one with a single label a map by the label's name of a map by its values, any
// other a list of maps with the labels and the figure under "@". A family without
// series has no value. It may be called from any goroutine. The context is not
// needed: nothing here waits.
func (m *Metrics) Figures(context.Context) (any, error) {
	families, err := m.registry.Gather()
	if len(families) == 0 {
		return nil, err
	}
	all := make(map[string]any, len(families))
	for _, f := range families {
		one := map[string]any{"type": plainType(f.GetType()), "value": plainValue(f.GetMetric())}
		if help := f.GetHelp(); help != "" {
			one["help"] = help
		}
		all[f.GetName()] = one
	}
	return all, nil
}

func plainType(t dto.MetricType) string {
	switch t {
	case dto.MetricType_COUNTER:
		return "counter"
	case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM, dto.MetricType_SUMMARY:
		return "histogram"
	}
	return "gauge"
}

func plainValue(series []*dto.Metric) any {
	switch {
	case len(series) == 0:
		return nil
	case len(series) == 1 && len(series[0].GetLabel()) == 0:
		return plainFigure(series[0])
	}
	byValue, list := make(map[string]any, len(series)), make([]any, len(series))
	one := true
	for i, m := range series {
		labels := m.GetLabel()
		if one = one && len(labels) == 1; one {
			byValue[labels[0].GetValue()] = plainFigure(m)
		}
		flat := map[string]any{"@": plainFigure(m)}
		for _, l := range labels {
			flat[l.GetName()] = l.GetValue()
		}
		list[i] = flat
	}
	if one { // the series of one family have the same labels
		return map[string]any{series[0].GetLabel()[0].GetName(): byValue}
	}
	return list
}

func plainFigure(m *dto.Metric) any {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	case m.GetHistogram() != nil:
		h := m.GetHistogram()
		return plainHistogram(h.GetBucket(), h.GetSampleCount(), h.GetSampleSum())
	case m.GetSummary() != nil:
		s := m.GetSummary()
		return plainHistogram(nil, s.GetSampleCount(), s.GetSampleSum())
	}
	return nil
}

// plainHistogram leaves out the bucket of all, +Inf: it is count.
func plainHistogram(buckets []*dto.Bucket, count uint64, sum float64) any {
	list := []any{}
	for _, b := range buckets {
		if !math.IsInf(b.GetUpperBound(), 1) {
			list = append(list, []any{b.GetUpperBound(), float64(b.GetCumulativeCount())})
		}
	}
	avg := 0.0
	if count > 0 {
		avg = sum / float64(count)
	}
	return map[string]any{"avg": avg, "bucket": list, "count": float64(count), "sum": sum}
}
