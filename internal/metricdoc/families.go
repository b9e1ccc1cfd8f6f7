// Package metricdoc writes what is made from the metrics of the daemon: the page
// docs/metrics.md and a dashboard for Grafana.
//
// It takes the families as `troupe --dump-metric-metadata` prints them and gives
// texts; cmd/troupe-docs writes them to files. A query that names a family that
// there is not is an error, so that neither can drift from the code. It talks to no
// Prometheus and to no Grafana.
package metricdoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Family is a metric family; the keys are those of the dump.
type Family struct {
	Name       string    `json:"name"`
	Help       string    `json:"help"`
	Type       string    `json:"metric_type"`
	LabelNames []string  `json:"label_names"`
	Buckets    []float64 `json:"buckets"`
	Pruning    string    `json:"pruning"`
}

var errNoFamilies = errors.New("expected the families of metrics, got none")

// Parse reads a dump.
func Parse(dump []byte) ([]Family, error) {
	var all []Family
	if err := json.Unmarshal(dump, &all); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if len(all) == 0 {
		return nil, errNoFamilies
	}
	return all, nil
}

// UnknownError names a family in a query that there is not.
type UnknownError struct{ Query, Name string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("no family of metrics is called %q in the query %s", e.Name, e.Query)
}

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	// Label matchers, groupings, ranges and durations have names that are no metrics.
	aside = regexp.MustCompile(`\b[0-9][0-9a-z.]*|\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	word  = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*(\s*\()?`)
)

// keywords of PromQL that may stand where a metric may.
var keywords = []string{"and", "or", "unless", "bool", "offset", "group_left", "group_right", "by", "without", "on", "ignoring", "inf", "nan"}

// Check reports whether a query names only families that there are, as an
// *UnknownError. Names with a colon are recording rules, up is Prometheus' own, and
// those of the process and the Go runtime depend on the system: they pass.
func Check(query string, all []Family) error {
	for _, name := range word.FindAllString(aside.ReplaceAllString(quoted.ReplaceAllString(query, `""`), " "), -1) {
		switch {
		case strings.HasSuffix(name, "("), strings.Contains(name, ":"), slices.Contains(keywords, strings.ToLower(name)), name == "up":
		case strings.HasPrefix(name, "process_"), strings.HasPrefix(name, "go_"):
		case !slices.ContainsFunc(all, func(f Family) bool { return f.has(name) }):
			return &UnknownError{Query: query, Name: name}
		}
	}
	return nil
}

// has reports whether a family has series of a name.
func (f Family) has(name string) bool {
	if f.Type == "Histogram" {
		base, suffix, _ := cutLast(name, "_")
		return base == f.Name && slices.Contains([]string{"bucket", "sum", "count"}, suffix)
	}
	return name == f.Name
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
