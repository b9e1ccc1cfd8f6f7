package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const rulesDirectory = "../../packaging/prometheus"

// hurriedRules are the rules with seconds for minutes, in a file.
func hurriedRules(t *testing.T) string {
	t.Helper()
	text := readText(t, rulesDirectory, "troupe-rules.yaml")
	for _, hurry := range []struct{ pattern, by string }{
		{`interval: \d+s`, "interval: 1s"},
		{`for: \d+[mh]`, "for: 1s"},
		{`\[5m\]`, "[10s]"},
		{`\[\d+m\]`, "[1m]"},
	} {
		text = regexp.MustCompile(hurry.pattern).ReplaceAllString(text, hurry.by)
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// dashboardQueries are those of the dashboard, with its variables in place.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	var d struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	must(t, json.Unmarshal([]byte(readText(t, "../../packaging/grafana", "troupe-dashboard.json")), &d))
	variables := strings.NewReplacer("$instance", ".*", "$listener", ".*", "$__rate_interval", "1m")
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			queries = append(queries, variables.Replace(target.Expr))
		}
	}
	if len(queries) < 20 {
		t.Fatalf("the dashboard has %d queries; want it read", len(queries))
	}
	return queries
}

// samples is how many series answer a query.
func (p *prometheus) samples(query string) int { return len(p.ask(query)) }

// alerts are the names of those that fire for a host, each once.
func (p *prometheus) alerts(host string) (names []string) {
	for _, s := range p.ask(fmt.Sprintf(`ALERTS{instance=%q, alertstate="firing"}`, host)) {
		names = append(names, s.Metric["alertname"])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func readText(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return string(text)
}
