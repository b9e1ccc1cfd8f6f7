package web

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
)

// hostile is a label value that would break out of a string.
const hostile = "say \"hi\"\\\n</script>\u2028ß"

// everything is a registry with each shape of family.
func everything(t *testing.T) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewRegistry()
	accepted := prometheus.NewCounter(prometheus.CounterOpts{Name: "accepted_total", Help: `Clients "accepted" <here>.`})
	accepted.Add(7)
	load := prometheus.NewGauge(prometheus.GaugeOpts{Name: "load"})
	load.Set(0.1)
	active := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "active", Help: "Now."}, []string{"listener"})
	active.WithLabelValues("127.0.0.1:1080").Set(3)
	active.WithLabelValues("[::1]:1080").Set(-2)
	outbound := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "outbound_total", Help: "To."}, []string{"listener", "destination"})
	outbound.WithLabelValues("127.0.0.1:1080", "192.0.2.1").Add(3)
	outbound.WithLabelValues("127.0.0.1:1080", "192.0.2.2").Add(1e21)
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "latency", Help: "Seconds.", Buckets: []float64{0.005, 1, 10}, NativeHistogramBucketFactor: 1.1,
	}, []string{"event"})
	for _, x := range []float64{0.003, 0.5, 30} {
		latency.WithLabelValues("proxy_init").Observe(x)
	}
	empty := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "empty", Help: "None yet.", Buckets: []float64{1}})
	summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "pause", Help: "Of the GC.", Objectives: map[float64]float64{0.5: 0.1}})
	summary.Observe(2)
	summary.Observe(4)
	untyped := prometheus.NewUntypedFunc(prometheus.UntypedOpts{Name: "untyped", Help: "Any."}, func() float64 { return 1 })
	odd := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "odd", Help: "Not numbers."}, []string{"kind"})
	odd.WithLabelValues("inf").Set(math.Inf(1))
	odd.WithLabelValues("nan").Set(math.NaN())
	odd.WithLabelValues("-inf").Set(math.Inf(-1))
	bad := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hostile_total", Help: "H."}, []string{"timer"})
	bad.WithLabelValues(hostile).Inc()
	unlabelled := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "never_used", Help: "No series."}, []string{"x"})
	registry.MustRegister(accepted, load, active, outbound, latency, empty, summary, untyped, odd, bad, unlabelled)
	return registry
}

func TestMetricsJSONShape(t *testing.T) {
	c := newConfig()
	c.Gatherer = everything(t)
	got := ask(Handler(c), "GET", "/metrics.json", trustedPeer).body
	want := `{"accepted_total":{"help":"Clients \"accepted\" <here>.","type":"counter","value":7},` +
		`"active":{"help":"Now.","type":"gauge","value":{"listener":{"127.0.0.1:1080":3,"[::1]:1080":-2}}},` +
		`"empty":{"help":"None yet.","type":"histogram","value":{"avg":0,"bucket":[[1,0]],"count":0,"sum":0}},` +
		`"hostile_total":{"help":"H.","type":"counter","value":{"timer":{"say \"hi\"\\\n</script>\u2028ß":1}}},` +
		`"latency":{"help":"Seconds.","type":"histogram","value":{"event":{"proxy_init":{"avg":10.167666666666667,"bucket":[[0.005,1],[1,2],[10,2]],"count":3,"sum":30.503}}}},` +
		`"load":{"type":"gauge","value":0.1},` +
		`"odd":{"help":"Not numbers.","type":"gauge","value":{"kind":{"-inf":null,"inf":null,"nan":null}}},` +
		`"outbound_total":{"help":"To.","type":"counter","value":[{"destination":"192.0.2.1","listener":"127.0.0.1:1080","@":3},{"destination":"192.0.2.2","listener":"127.0.0.1:1080","@":1000000000000000000000}]},` +
		`"pause":{"help":"Of the GC.","type":"histogram","value":{"avg":3,"bucket":[],"count":2,"sum":6}},` +
		`"untyped":{"help":"Any.","type":"gauge","value":1}}`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", strings.ReplaceAll(got, `},"`, "},\n\""), strings.ReplaceAll(want, `},"`, "},\n\""))
	}
}

// What a client decodes is what was counted, hostile labels included.
func TestMetricsJSONRoundTrips(t *testing.T) {
	c := newConfig()
	c.Gatherer = everything(t)
	body := ask(Handler(c), "GET", "/metrics.json?prefix=ignored_", trustedPeer).body
	var got map[string]struct {
		Help, Type string
		Value      any
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for name, want := range map[string]any{
		"accepted_total": 7.0,
		"hostile_total":  map[string]any{"timer": map[string]any{hostile: 1.0}},
		"odd":            map[string]any{"kind": map[string]any{"nan": nil, "inf": nil, "-inf": nil}},
		"outbound_total": []any{
			map[string]any{"listener": "127.0.0.1:1080", "destination": "192.0.2.1", "@": 3.0},
			map[string]any{"listener": "127.0.0.1:1080", "destination": "192.0.2.2", "@": 1e21},
		},
	} {
		if !reflect.DeepEqual(got[name].Value, want) {
			t.Errorf("%s: got %v; want %v", name, got[name].Value, want)
		}
	}
}

// Go's and the process's own collectors have every type there is.
func TestMetricsJSONOfTheRuntime(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c := newConfig()
	c.Gatherer = registry
	body := ask(Handler(c), "GET", "/metrics.json", trustedPeer).body
	var got map[string]struct{ Value any }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if n, ok := got["go_goroutines"].Value.(float64); !ok || n < 1 {
		t.Errorf("go_goroutines: got %v; want at least 1", got["go_goroutines"].Value)
	}
	if _, ok := got["go_gc_duration_seconds"].Value.(map[string]any); !ok {
		t.Errorf("go_gc_duration_seconds: got %v; want a histogram", got["go_gc_duration_seconds"].Value)
	}
}

// Families that a registry would not give, but another gatherer may.
func TestMetricsJSONOfOddFamilies(t *testing.T) {
	series := func(x float64, labels ...string) *dto.Metric {
		m := &dto.Metric{Gauge: &dto.Gauge{Value: &x}}
		for i := 0; i < len(labels); i += 2 {
			m.Label = append(m.Label, &dto.LabelPair{Name: &labels[i], Value: &labels[i+1]})
		}
		return m
	}
	inf, one, name := math.Inf(1), 1.0, "f"
	half, many, count := 0.5, 2.5, uint64(3)
	floats := &dto.Metric{Histogram: &dto.Histogram{SampleCountFloat: &many, SampleSum: &one, Bucket: []*dto.Bucket{
		{UpperBound: &half, CumulativeCountFloat: &one}, {UpperBound: &inf, CumulativeCountFloat: &many},
	}}}
	native := &dto.Metric{Histogram: &dto.Histogram{SampleCount: &count, SampleSum: &one}}
	for want, metrics := range map[string][]*dto.Metric{
		`null`:                              nil,
		`[{"@":1},{"a":"x","@":2}]`:         {series(1), series(2, "a", "x")},
		`[{"a":"x","@":1},{"b":"x","@":2}]`: {series(1, "a", "x"), series(2, "b", "x")},
		`{"avg":0.4,"bucket":[[0.5,1]],"count":2.5,"sum":1}`:       {floats},
		`{"avg":0.3333333333333333,"bucket":[],"count":3,"sum":1}`: {native},
	} {
		got := string(familiesJSON([]*dto.MetricFamily{{Name: &name, Type: dto.MetricType_GAUGE_HISTOGRAM.Enum(), Metric: metrics}}))
		if want := `{"f":{"type":"histogram","value":` + want + `}}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got, want := string(familiesJSON(nil)), "{}"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}
