package actors

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ReloadResult is how a reload of the policy ended; it is a label.
type ReloadResult uint8

const (
	// ReloadOK: another policy is served now.
	ReloadOK ReloadResult = iota
	// ReloadUnchanged: the policy is what it was.
	ReloadUnchanged
	// ReloadFailed: nothing was changed; the log says why.
	ReloadFailed
	reloadResults
)

var reloadNames = [reloadResults]string{"ok", "unchanged", "failed"}

func (r ReloadResult) String() string { return reloadNames[r] }

// PolicyMetrics are the figures of the policy. Like the Ledger they are memory
// and no actor. The methods may be called from any goroutine.
type PolicyMetrics struct {
	mu       sync.Mutex
	reloads  [reloadResults]uint64
	loaded   time.Time // zero: none is served yet
	sha256   string
	fallback bool
}

var (
	policyReloads = prometheus.NewDesc("policy_reload_total",
		"Reloads of the policy. result=\"failed\" changed nothing: the policy in the file is broken or cannot be served, and would not start either; "+
			"mend what the log names before the next restart. \"unchanged\" found the policy as it was.",
		[]string{"result"}, nil)
	policyLoaded = prometheus.NewDesc("policy_loaded_timestamp_seconds",
		"When the policy that is served was loaded, in seconds since 1970. Older than the last change of its file: the change was not reloaded, or was refused.", nil, nil)
	policyInfo = prometheus.NewDesc("policy_info",
		"Always 1; sha256 is that of the policy file that is served, empty without one. Compare it between hosts that should serve the same, and with sha256sum of the file.",
		[]string{"sha256"}, nil)
	policyFallback = prometheus.NewDesc("policy_fallback",
		"1 while the policy kept from an earlier run is served, because the file was broken or missing at the start. Mend the file and reload; it falls to 0 then.", nil, nil)
)

func newPolicyMetrics() *PolicyMetrics { return &PolicyMetrics{} }

// Serve notes which policy is served from now on. fallback says that it is the
// one kept from an earlier run.
func (m *PolicyMetrics) Serve(sha256 string, fallback bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sha256, m.fallback, m.loaded = sha256, fallback, now
}

// Reloaded counts a reload.
func (m *PolicyMetrics) Reloaded(r ReloadResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reloads[r]++
}

// Describe implements prometheus.Collector.
func (m *PolicyMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{policyReloads, policyLoaded, policyInfo, policyFallback} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *PolicyMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, one := range m.series() {
		ch <- one
	}
}

func (m *PolicyMetrics) series() (all []prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r := range reloadResults {
		all = append(all, prometheus.MustNewConstMetric(policyReloads, prometheus.CounterValue, float64(m.reloads[r]), r.String()))
	}
	all = append(all, prometheus.MustNewConstMetric(policyFallback, prometheus.GaugeValue, oneIf(m.fallback)))
	if !m.loaded.IsZero() {
		all = append(all,
			prometheus.MustNewConstMetric(policyLoaded, prometheus.GaugeValue, float64(m.loaded.UnixMilli())/1000),
			prometheus.MustNewConstMetric(policyInfo, prometheus.GaugeValue, 1, m.sha256))
	}
	return all
}
