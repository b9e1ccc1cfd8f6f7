package web

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// handleMetricsJSON is GET /metrics.json, one object with a member for each
// family, in the order gathered:
//
//	"name": {"help": "…", "type": "counter" | "gauge" | "histogram", "value": V}
//
// KumoMTA's tools read this shape: V depends on the labels. Without labels it is
// the figure; with one label {"label": {"its value": figure, …}}; with more, a
// list of flat objects that have the figure under "@". help is left out when it
// is empty. Summaries have the shape of a histogram with no buckets; what has
// no type is a gauge. A figure JSON has no way to write, NaN or an infinity,
// is null.
func (c Config) handleMetricsJSON(w http.ResponseWriter, _ *http.Request) {
	figures, err := MetricsJSON(c.Gatherer)
	if err != nil {
		c.Log.Error("gathering metrics: " + err.Error())
		if figures == nil {
			writeError(w, http.StatusInternalServerError, "gathering metrics: "+err.Error())
			return
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(figures) // an error means that the client has gone
}

// MetricsJSON is what /metrics.json says of the figures that g gives. With an error
// it is what could be gathered, and nil if that is nothing. It may be called from any
// goroutine.
func MetricsJSON(g prometheus.Gatherer) ([]byte, error) {
	families, err := g.Gather()
	if err != nil && len(families) == 0 {
		return nil, err
	}
	return familiesJSON(families), err
}

func familiesJSON(families []*dto.MetricFamily) []byte {
	var j jsonWriter
	j.raw("{")
	for i, f := range families {
		j.comma(i)
		j.key(f.GetName())
		j.family(f)
	}
	j.raw("}")
	return j.buf.Bytes()
}

// jsonWriter writes what encoding/json can't: members in an order, and numbers
// without an exponent.
type jsonWriter struct {
	buf bytes.Buffer
}

func (j *jsonWriter) raw(s string) { j.buf.WriteString(s) }

// comma parts the i-th member, from 0, from the one before it.
func (j *jsonWriter) comma(i int) {
	if i > 0 {
		j.raw(",")
	}
}

func (j *jsonWriter) key(s string) {
	j.string(s)
	j.raw(":")
}

func (j *jsonWriter) string(s string) {
	enc := json.NewEncoder(&j.buf)
	enc.SetEscapeHTML(false) // nosniff is set, and help texts have < and > in them
	_ = enc.Encode(s)        // a string and a buffer can't fail
	j.buf.Truncate(j.buf.Len() - 1)
}

// number writes the fewest digits that say x, without an exponent: 5 and not 5.0.
func (j *jsonWriter) number(x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		j.raw("null")
		return
	}
	j.buf.Write(strconv.AppendFloat(j.buf.AvailableBuffer(), x, 'f', -1, 64))
}

func (j *jsonWriter) family(f *dto.MetricFamily) {
	j.raw("{")
	if help := f.GetHelp(); help != "" {
		j.key("help")
		j.string(help)
		j.raw(",")
	}
	j.key("type")
	j.string(typeName(f.GetType()))
	j.raw(",")
	j.key("value")
	j.value(f.GetMetric())
	j.raw("}")
}

func typeName(t dto.MetricType) string {
	switch t {
	case dto.MetricType_COUNTER:
		return "counter"
	case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM, dto.MetricType_SUMMARY:
		return "histogram"
	}
	return "gauge"
}

func (j *jsonWriter) value(series []*dto.Metric) {
	switch {
	case len(series) == 0:
		j.raw("null")
	case len(series) == 1 && len(series[0].GetLabel()) == 0:
		j.figure(series[0])
	case haveOneLabel(series):
		j.byLabel(series)
	default:
		j.list(series)
	}
}

// haveOneLabel reports whether each series has one label, and all the same.
func haveOneLabel(series []*dto.Metric) bool {
	for _, m := range series {
		if len(m.GetLabel()) != 1 || m.GetLabel()[0].GetName() != series[0].GetLabel()[0].GetName() {
			return false
		}
	}
	return true
}

func (j *jsonWriter) byLabel(series []*dto.Metric) {
	j.raw("{")
	j.key(series[0].GetLabel()[0].GetName())
	j.raw("{")
	for i, m := range series {
		j.comma(i)
		j.key(m.GetLabel()[0].GetValue())
		j.figure(m)
	}
	j.raw("}}")
}

func (j *jsonWriter) list(series []*dto.Metric) {
	j.raw("[")
	for i, m := range series {
		j.comma(i)
		j.raw("{")
		for _, l := range m.GetLabel() {
			j.key(l.GetName())
			j.string(l.GetValue())
			j.raw(",")
		}
		j.key("@")
		j.figure(m)
		j.raw("}")
	}
	j.raw("]")
}

func (j *jsonWriter) figure(m *dto.Metric) {
	switch {
	case m.GetCounter() != nil:
		j.number(m.GetCounter().GetValue())
	case m.GetGauge() != nil:
		j.number(m.GetGauge().GetValue())
	case m.GetUntyped() != nil:
		j.number(m.GetUntyped().GetValue())
	case m.GetHistogram() != nil:
		h := m.GetHistogram()
		j.histogram(h.GetBucket(), orFloat(h.GetSampleCount(), h.GetSampleCountFloat()), h.GetSampleSum())
	case m.GetSummary() != nil:
		s := m.GetSummary()
		j.histogram(nil, float64(s.GetSampleCount()), s.GetSampleSum())
	default:
		j.raw("null")
	}
}

// histogram leaves out the bucket of all, +Inf: it is count.
func (j *jsonWriter) histogram(buckets []*dto.Bucket, count, sum float64) {
	avg := 0.0
	if count > 0 {
		avg = sum / count
	}
	j.raw(`{"avg":`)
	j.number(avg)
	j.raw(`,"bucket":[`)
	written := 0
	for _, b := range buckets {
		if math.IsInf(b.GetUpperBound(), 1) {
			continue
		}
		j.comma(written)
		j.raw("[")
		j.number(b.GetUpperBound())
		j.raw(",")
		j.number(orFloat(b.GetCumulativeCount(), b.GetCumulativeCountFloat()))
		j.raw("]")
		written++
	}
	j.raw(`],"count":`)
	j.number(count)
	j.raw(`,"sum":`)
	j.number(sum)
	j.raw("}")
}

// orFloat is a count, which is in one field or in the other.
func orFloat(n uint64, f float64) float64 {
	if n > 0 {
		return float64(n)
	}
	return f
}
