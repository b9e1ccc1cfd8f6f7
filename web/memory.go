package web

import (
	"fmt"
	"net/http"
	"runtime/metrics"
	"strings"
)

// memoryFigures are the families of runtime/metrics that say where memory is.
var memoryFigures = [...]string{"/memory/", "/gc/heap/", "/gc/stack/", "/gc/gogc:", "/gc/gomemlimit:", "/gc/cycles/", "/sched/goroutines:"}

// handleMemoryStats tells a person where memory is: what the Go runtime knows,
// and what the pools of the daemon hold. The text has no form to rely on.
func (c Config) handleMemoryStats(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString("Go runtime\n")
	for _, s := range runtimeSamples() {
		name, unit, _ := strings.Cut(s.Name, ":")
		switch s.Value.Kind() {
		case metrics.KindUint64:
			fmt.Fprintf(&b, "  %-44s %16d %s\n", name, s.Value.Uint64(), unit)
		case metrics.KindFloat64:
			fmt.Fprintf(&b, "  %-44s %16g %s\n", name, s.Value.Float64(), unit)
		}
	}
	if c.Memory != nil {
		b.WriteString("\nHeld\n")
		for _, h := range c.Memory() {
			fmt.Fprintf(&b, "  %-44s %16d", h.What, h.Count)
			if h.Bytes > 0 {
				fmt.Fprintf(&b, " of %d bytes", h.Bytes)
			}
			b.WriteByte('\n')
		}
	}
	writeText(w, http.StatusOK, b.String())
}

// runtimeSamples are the figures of the runtime, in the order of their names.
func runtimeSamples() []metrics.Sample {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		for _, family := range memoryFigures {
			if strings.HasPrefix(d.Name, family) {
				samples = append(samples, metrics.Sample{Name: d.Name})
				break
			}
		}
	}
	metrics.Read(samples)
	return samples
}
