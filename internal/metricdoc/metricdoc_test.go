package metricdoc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

var example = []Family{
	{Name: "proxy_listener_up", Type: "Gauge", LabelNames: []string{"listener"}, Help: "1 | 0"},
	{Name: "lua_event_latency", Type: "Histogram"},
	{Name: "proxy_dials_total", Type: "Counter"},
	{Name: "go_threads", Type: "Gauge"},
}

// TestCheck finds the names of families, and nothing else, in queries.
func TestCheck(t *testing.T) {
	for _, tc := range []struct{ query, unknown string }{
		{`proxy_listener_up == 0`, ""},
		{`sum by (job, instance) (rate(proxy_dials_total{result="gone_total"}[5m])) > bool 0.5`, ""},
		{`histogram_quantile(0.9, sum by (le) (rate(lua_event_latency_bucket[5m])))`, ""},
		{`troupe:dials:rate5m / on (instance) group_left (version) proxy_listener_up offset 5m`, ""},
		{`process_open_fds / process_max_fds and up == 1`, ""},
		{`rate(lua_event_latency[5m])`, "lua_event_latency"},
		{`rate(proxy_dials_count[5m])`, "proxy_dials_count"},
		{`sum(proxy_listeners_up{listener="x"})`, "proxy_listeners_up"},
		{`label_replace(proxy_gone, "a", "$1", "b", "(.*)")`, "proxy_gone"},
	} {
		err := Check(tc.query, example)
		unknown := (*UnknownError)(nil)
		if got := errors.As(err, &unknown); got != (tc.unknown != "") || got && unknown.Name != tc.unknown {
			t.Errorf("%s: got %v; want %q unknown", tc.query, err, tc.unknown)
		}
	}
}

// TestDashboardNeedsItsFamilies: it cannot show what the daemon does not count.
func TestDashboardNeedsItsFamilies(t *testing.T) {
	if _, err := Dashboard(example); !errors.As(err, new(*UnknownError)) {
		t.Errorf("got %v; want a family that is missing named", err)
	}
}

// TestDashboardLayout: no panel lies upon another, none has the number of another.
func TestDashboardLayout(t *testing.T) {
	var all []Family
	for _, r := range rows() {
		for _, c := range r.charts {
			for _, q := range c.queries {
				all = withAll(t, q.expr, all)
			}
		}
	}
	text, err := Dashboard(all)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	taken, ids := make(map[[2]int]string), make(map[int]string)
	for _, p := range d.Panels {
		if other, found := ids[p.ID]; found {
			t.Errorf("%s has the number of %s", p.Title, other)
		}
		ids[p.ID] = p.Title
		for x := range p.Grid.W {
			for y := range p.Grid.H {
				at := [2]int{p.Grid.X + x, p.Grid.Y + y}
				if other, found := taken[at]; found || at[0] >= across {
					t.Fatalf("%s lies upon %q, or outside", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
	}
}

// withAll adds what a query names to the families that there are.
func withAll(t *testing.T, query string, all []Family) []Family {
	t.Helper()
	for {
		unknown := (*UnknownError)(nil)
		err := Check(query, all)
		if !errors.As(err, &unknown) {
			return all
		}
		name, histogram := strings.CutSuffix(unknown.Name, "_bucket")
		f := Family{Name: name, Type: "Counter"}
		if histogram {
			f.Type = "Histogram"
		}
		all = append(all, f)
	}
}

// TestPage has each family of ours in a row of its own.
func TestPage(t *testing.T) {
	got := string(Page(example))
	if want := "| `proxy_listener_up` | gauge | `listener` | 1 \\| 0 |\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant in it\n%s", got, want)
	}
	if strings.Contains(got, "go_threads") {
		t.Error("the page has families of the runtime, which depend on the system")
	}
}

// TestParse: an empty dump must not make an empty page.
func TestParse(t *testing.T) {
	for _, bad := range []string{"", "[]", "{}", "null"} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
