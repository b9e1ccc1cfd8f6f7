package actors

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
	prometheus "github.com/prometheus/common/model"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// labelled are figures with a text of the policy's for a label wherever one can be: the
// name of an event, of a timer and of a group.
func labelled(t *testing.T, text string) *Metrics {
	t.Helper()
	m := NewMetrics("test")
	p := pool.New(pool.Options[int]{
		Build: func(context.Context) (int, error) { return 0, nil },
		Close: func(int) {}, Meter: m.Lua,
	})
	defer p.Close()
	must(t, p.Do(t.Context(), text, func(context.Context, int) error { return nil }))
	m.Lua.Timed(text, time.Millisecond)
	if utf8.ValidString(text) { // a policy's loading refuses others
		m.groups.dials.count(netip.MustParseAddr("192.0.2.1"), text, egress.Connected)
	}
	return m
}

// FuzzLabels: whatever texts a policy has, a scrape is what Prometheus reads, with the
// text in it where that is UTF-8.
func FuzzLabels(f *testing.F) {
	for _, seed := range []string{"", "plain", "two\nlines", `quote " and \ slash`, "\x00", "ünï", "\xff", "half\xc3", "{x=\"1\"}", "+Inf", strings.Repeat("long", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		families, err := labelled(t, text).Gatherer().Gather()
		if err != nil {
			t.Fatalf("%q: gathered with %v", text, err)
		}
		var out bytes.Buffer
		for _, family := range families {
			if _, err := expfmt.MetricFamilyToText(&out, family); err != nil {
				t.Fatalf("%q: written with %v", text, err)
			}
		}
		parser := expfmt.NewTextParser(prometheus.UTF8Validation)
		read, err := parser.TextToMetricFamilies(&out)
		if err != nil || len(read) != len(families) {
			t.Fatalf("%q: got %d families and %v; want %d as written", text, len(read), err, len(families))
		}
		want := strings.ToValidUTF8(text, "?")
		var events []string
		for _, metric := range read["lua_event_started"].GetMetric() {
			events = append(events, metric.GetLabel()[0].GetValue())
		}
		if !slices.Contains(events, want) {
			t.Errorf("%q: got the events %q; want %q", text, events, want)
		}
	})
}
