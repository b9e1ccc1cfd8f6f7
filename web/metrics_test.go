package web

import (
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// mustParseText is the families that a Prometheus server would see.
func mustParseText(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return families
}

func TestMetricsText(t *testing.T) {
	c := newConfig()
	c.Gatherer = everything(t)
	got := ask(Handler(c), "GET", "/metrics", trustedPeer)
	families := mustParseText(t, got.body)
	gathered, err := c.Gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != len(gathered) {
		t.Errorf("got %d families; want %d", len(families), len(gathered))
	}
	label := families["hostile_total"].GetMetric()[0].GetLabel()[0].GetValue()
	if label != hostile {
		t.Errorf("got label %q; want %q", label, hostile)
	}
	if got := families["accepted_total"].GetMetric()[0].GetCounter().GetValue(); got != 7 {
		t.Errorf("got %v; want 7", got)
	}
}

func TestMetricsPrefix(t *testing.T) {
	c := newConfig()
	c.Gatherer = everything(t)
	h := Handler(c)
	plain := mustParseText(t, ask(h, "GET", "/metrics", trustedPeer).body)
	got := mustParseText(t, ask(h, "GET", "/metrics?prefix=mx1:_", trustedPeer).body)
	var want []string
	for name := range plain {
		want = append(want, "mx1:_"+name)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(got)); !slices.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
	if got := got["mx1:_latency"].GetMetric()[0].GetHistogram().GetSampleCount(); got != 3 {
		t.Errorf("got a histogram of %d; want 3", got)
	}
	if again := mustParseText(t, ask(h, "GET", "/metrics?prefix=", trustedPeer).body); len(again) != len(plain) || again["accepted_total"] == nil {
		t.Errorf("with an empty prefix: got %v; want the plain names", slices.Sorted(maps.Keys(again)))
	}
}

func TestMetricsPrefixRefused(t *testing.T) {
	h := Handler(newConfig())
	for _, query := range []string{"prefix=1x", "prefix=a-b", "prefix=a%20b", "prefix=%0A", "prefix=%C3%9F", "prefix=%zz", "prefix=a%7B"} {
		got := ask(h, "GET", "/metrics?"+query, trustedPeer)
		if got.status != http.StatusBadRequest || !strings.HasPrefix(got.body, "Error: ") || strings.Contains(got.body, "\n") {
			t.Errorf("%s: got %d %q; want 400 and an error of one line", query, got.status, got.body)
		}
	}
}

func TestMetricsNegotiatesOpenMetrics(t *testing.T) {
	h := Handler(newConfig())
	for _, path := range []string{"/metrics", "/metrics?prefix=p_"} {
		got := ask(h, "GET", path, trustedPeer, "Accept", "application/openmetrics-text; version=1.0.0")
		if typ := got.header.Get("Content-Type"); !strings.HasPrefix(typ, "application/openmetrics-text; version=1.0.0") {
			t.Errorf("%s: got type %q; want OpenMetrics", path, typ)
		}
		if !strings.HasSuffix(got.body, "# EOF\n") {
			t.Errorf("%s: got %q; want # EOF last", path, got.body)
		}
	}
}

func TestMetricsCompressed(t *testing.T) {
	r, err := http.NewRequest("GET", "http://"+serve(t, "tcp", "127.0.0.1:0", Handler(newConfig()), (&logBuffer{}).logger())+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	response, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("got encoding %q; want gzip", got)
	}
	unzipped, err := gzip.NewReader(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if mustParseText(t, string(text))["accepted_total"] == nil {
		t.Errorf("got %q; want accepted_total in it", text)
	}
}

// errGather is why a collector failed.
var errGather = errors.New("collector is ill")

// illGatherer fails after it has gathered what it was given.
func illGatherer(g prometheus.Gatherer) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		if g == nil {
			return nil, errGather
		}
		families, err := g.Gather()
		return families, errors.Join(err, errGather)
	})
}

func TestOneIllCollectorDoesNotHideTheOthers(t *testing.T) {
	for _, path := range []string{"/metrics", "/metrics?prefix=p_", "/metrics.json"} {
		var log logBuffer
		c := newConfig()
		c.Log = log.logger()
		whole := c.Gatherer
		c.Gatherer = illGatherer(whole)
		got := ask(Handler(c), "GET", path, trustedPeer)
		if got.status != http.StatusOK || !strings.Contains(got.body, "accepted_total") {
			t.Errorf("%s: got %d %q; want what was gathered", path, got.status, got.body)
		}
		if !strings.Contains(log.String(), errGather.Error()) {
			t.Errorf("%s: got log %q; want the error in it", path, log.String())
		}
		c.Gatherer = illGatherer(nil)
		if got := ask(Handler(c), "GET", path, trustedPeer); got.status != http.StatusInternalServerError {
			t.Errorf("%s with nothing gathered: got %d; want 500", path, got.status)
		}
	}
}
