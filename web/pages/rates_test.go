package pages

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/history"
)

// steady accepts 6 clients and fails 1 each interval; at sample reset the listener
// begins anew.
func steady(n, reset int) (all []history.Sample) {
	from := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	f := history.Figure{Listener: "l"}
	for i := range n {
		if i == reset {
			f = history.Figure{Listener: "l"}
		}
		f.Active, f.Accepted, f.Failed, f.Received = 5, f.Accepted+6, f.Failed+1, f.Received+20_000
		f.Reasons = map[string]uint64{"denied": f.Failed}
		all = append(all, history.Sample{At: from.Add(time.Duration(i) * history.Interval), Figures: []history.Figure{f}})
	}
	return all
}

func TestRates(t *testing.T) {
	if got := countedBy(steady(1, -1), "l").rates(); got.Known {
		t.Errorf("got %+v of one sample; want nothing", got)
	}
	if got := countedBy(steady(20, -1), "another").rates(); got.Known {
		t.Errorf("got %+v of another listener; want nothing", got)
	}
	want := rates{Known: true, Accepted: 36, Failed: 6, Received: 2000}
	for _, n := range []int{2, 5, 50} {
		if got := countedBy(steady(n, -1), "l").rates(); got != want {
			t.Errorf("%d samples: got %+v; want %+v", n, got, want)
		}
	}
	if got := countedBy(steady(20, 18), "l").rates(); got.Accepted <= 0 || got.Accepted > 36 {
		t.Errorf("a listener that began anew: got %+v; want no more than there was", got)
	}
}

// TestReasons: over all the samples, a new beginning included.
func TestReasons(t *testing.T) {
	for reset, want := range map[int]uint64{-1: 9, 5: 9} {
		if got := countedBy(steady(10, reset), "l").reasons(); !slices.Equal(got, []reason{{"denied", want}}) {
			t.Errorf("reset at %d: got %v; want %d", reset, got, want)
		}
	}
}

func TestPlots(t *testing.T) {
	for _, one := range countedBy(steady(91, -1), "l").plots() {
		points := strings.Fields(one.Points)
		if n := len(points); n < 90 || n > 91 {
			t.Errorf("%s: got %d points; want one for each interval", one.Title, n)
			continue
		}
		if last := points[len(points)-1]; !strings.HasPrefix(last, "300.0,") {
			t.Errorf("%s: got the newest at %s; want it at the right edge", one.Title, last)
		}
		if !strings.Contains(one.About, "now "+one.Now) {
			t.Errorf("%s: got %q for who cannot see it", one.Title, one.About)
		}
	}
	if got := countedBy(nil, "l").plots()[0]; got.Points != "" || got.Now != "" {
		t.Errorf("got %+v of nothing", got)
	}
}

func TestFormats(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 0.25: "0.2", 9: "9", 12.6: "13", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := formatNumber(n); got != want {
			t.Errorf("%v: got %s; want %s", n, got, want)
		}
	}
	for n, want := range map[float64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 54321: "54 kB", 999600: "1.0 MB", 3e15: "3000 TB"} {
		if got := formatBytes(n); got != want {
			t.Errorf("%v: got %s; want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", 61 * time.Minute: "1 h 1 min", 49 * time.Hour: "2 d 1 h",
	} {
		if got := formatSpan(d); got != want {
			t.Errorf("%v: got %s; want %s", d, got, want)
		}
	}
}
