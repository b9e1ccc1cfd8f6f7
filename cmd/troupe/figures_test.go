package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// figures are one look at /metrics.
type figures struct {
	t        *testing.T
	families map[string]*dto.MetricFamily
}

// scrape reads /metrics as Prometheus does.
func (d *daemon) scrape() figures {
	d.t.Helper()
	_, body := d.get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		d.t.Fatalf("reading /metrics: %v", err)
	}
	return figures{d.t, families}
}

// get asks the HTTP listener. Each request has a connection of its own, so that
// none is left to be counted among the daemon's descriptors.
func (d *daemon) get(path string) (status int, body string) {
	d.t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + d.http() + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// value is the figure of the one series that has these labels, given as name
// and value by turns, and no others.
func (f figures) value(name string, labels ...string) float64 {
	f.t.Helper()
	want := make(map[string]string)
	for i := 0; i < len(labels); i += 2 {
		want[labels[i]] = labels[i+1]
	}
	for _, m := range f.families[name].GetMetric() {
		got := make(map[string]string)
		for _, l := range m.GetLabel() {
			got[l.GetName()] = l.GetValue()
		}
		if maps.Equal(got, want) {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	f.t.Fatalf("/metrics has no %s%v", name, want)
	return 0
}

// awaitFigure waits until a series has the value.
func (d *daemon) awaitFigure(want float64, name string, labels ...string) {
	d.t.Helper()
	var got float64
	defer func() {
		if d.t.Failed() {
			d.t.Logf("%s%v was %v last; want %v", name, labels, got, want)
		}
	}()
	await(d.t, name, func() bool {
		got = d.scrape().value(name, labels...)
		return got == want
	})
}

// jsonFamily is a family of /metrics.json; see its handler for the shape.
type jsonFamily struct {
	Help  string
	Type  string
	Value json.RawMessage
}

func (d *daemon) scrapeJSON() map[string]jsonFamily {
	d.t.Helper()
	_, body := d.get("/metrics.json")
	var families map[string]jsonFamily
	if err := json.Unmarshal([]byte(body), &families); err != nil {
		d.t.Fatalf("reading /metrics.json: %v", err)
	}
	return families
}
