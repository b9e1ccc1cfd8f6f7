package pages

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/troupe-proxy/troupe/internal/history"
)

// glance is what the pages use of the metrics, at one moment.
type glance struct {
	figures []history.Figure
	// openFiles and mostFiles are descriptors; 0: not known.
	openFiles, mostFiles float64
	fallback             bool      // the policy is one kept from an earlier run
	loaded               time.Time // when the policy was; zero: not known
	sha256               string    // of its file
	reloads              map[string]uint64
	err                  error // why something is missing
}

// glances takes a glance at most once a second, for all pages that are looked at.
type glances struct {
	mu   sync.Mutex
	at   time.Time
	last glance
}

// glance is one that is a second old at most.
func (p *Pages) glance() glance {
	g := &p.glances
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.Sub(g.at) > time.Second {
		g.last, g.at = look(p.source.Gatherer), now
	}
	return g.last
}

// Figures reads what each listener has counted, for a history.
func Figures(g prometheus.Gatherer) ([]history.Figure, error) {
	seen := look(g)
	if seen.err != nil && len(seen.figures) == 0 {
		return nil, seen.err
	}
	return seen.figures, nil
}

// errNoFigures says that a Gatherer had nothing to say.
var errNoFigures = errors.New("there are no figures")

// look reads the metrics. With an error it has what could be gathered.
func look(source prometheus.Gatherer) glance {
	families, err := source.Gather()
	if err == nil && len(families) == 0 {
		err = errNoFigures
	}
	seen := glance{err: err, reloads: make(map[string]uint64)}
	byListener := make(map[string]*history.Figure)
	for _, family := range families {
		if take, known := perListener[family.GetName()]; known {
			for _, m := range family.GetMetric() {
				take(figureOf(byListener, m), m)
			}
		} else if take, known := perProcess[family.GetName()]; known {
			for _, m := range family.GetMetric() {
				take(&seen, m)
			}
		}
	}
	for _, address := range slices.Sorted(maps.Keys(byListener)) {
		seen.figures = append(seen.figures, *byListener[address])
	}
	return seen
}

func figureOf(all map[string]*history.Figure, m *dto.Metric) *history.Figure {
	address := label(m, "listener")
	if all[address] == nil {
		all[address] = &history.Figure{Listener: address, Reasons: make(map[string]uint64)}
	}
	return all[address]
}

// perListener are the families that say something of listeners.
var perListener = map[string]func(*history.Figure, *dto.Metric){
	"proxy_active_connections":          func(f *history.Figure, m *dto.Metric) { f.Active = count(m) },
	"proxy_connections_accepted_total":  func(f *history.Figure, m *dto.Metric) { f.Accepted = count(m) },
	"proxy_connections_completed_total": func(f *history.Figure, m *dto.Metric) { f.Completed = count(m) },
	"proxy_connections_failed_total":    func(f *history.Figure, m *dto.Metric) { f.Failed = count(m) },
	"proxy_bytes_received_total":        func(f *history.Figure, m *dto.Metric) { f.Received = count(m) },
	"proxy_bytes_sent_total":            func(f *history.Figure, m *dto.Metric) { f.Sent = count(m) },
	"proxy_session_failures_total": func(f *history.Figure, m *dto.Metric) {
		if n := count(m); n > 0 {
			f.Reasons[label(m, "reason")] = n
		}
	},
}

// perProcess are the families that say something of the daemon.
var perProcess = map[string]func(*glance, *dto.Metric){
	"process_open_fds":    func(g *glance, m *dto.Metric) { g.openFiles = value(m) },
	"process_max_fds":     func(g *glance, m *dto.Metric) { g.mostFiles = value(m) },
	"policy_fallback":     func(g *glance, m *dto.Metric) { g.fallback = value(m) > 0 },
	"policy_info":         func(g *glance, m *dto.Metric) { g.sha256 = label(m, "sha256") },
	"policy_reload_total": func(g *glance, m *dto.Metric) { g.reloads[label(m, "result")] = count(m) },
	"policy_loaded_timestamp_seconds": func(g *glance, m *dto.Metric) {
		g.loaded = time.UnixMilli(int64(value(m) * 1000))
	},
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func value(m *dto.Metric) float64 {
	if c := m.GetCounter(); c != nil {
		return c.GetValue()
	}
	return m.GetGauge().GetValue()
}

// count is a figure that is a whole number.
func count(m *dto.Metric) uint64 { return uint64(max(value(m), 0)) }
