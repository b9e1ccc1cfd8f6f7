package memory

import (
	"math"
	"runtime"
	"runtime/metrics"
)

// Figures of the runtime, see runtime/metrics.
const (
	limitFigure  = "/gc/gomemlimit:bytes"
	cyclesFigure = "/gc/cycles/total:gc-cycles"
)

// heldFigures are what counts against the limit of the runtime and no collection
// frees. What is free, or garbage, is not among them: a heap grows up to the limit
// before garbage is looked for, so that the whole of it would say nothing.
var heldFigures = [...]string{
	"/gc/heap/live:bytes", // as of the last collection
	"/memory/classes/heap/stacks:bytes",
	"/memory/classes/os-stacks:bytes",
	"/memory/classes/metadata/mcache/inuse:bytes",
	"/memory/classes/metadata/mspan/inuse:bytes",
	"/memory/classes/metadata/other:bytes",
	"/memory/classes/profiling/buckets:bytes",
	"/memory/classes/other:bytes",
}

// Meter reads what the process holds. One goroutine at a time may use it.
type Meter struct {
	samples [2 + len(heldFigures)]metrics.Sample
	renewed uint64 // collections that there had been at the last Renew
}

// NewMeter makes a meter of this process.
func NewMeter() *Meter {
	m := &Meter{}
	m.samples[0].Name, m.samples[1].Name = limitFigure, cyclesFigure
	for i, name := range heldFigures {
		m.samples[2+i].Name = name
	}
	return m
}

// Read says how many bytes are held that a collection of garbage would not free,
// as of the last one, and how many the Go runtime is to stay below; 0: any number.
func (m *Meter) Read() (held, limit uint64) {
	metrics.Read(m.samples[:])
	for _, s := range m.samples[2:] {
		held += s.Value.Uint64()
	}
	limit = m.samples[0].Value.Uint64()
	if limit == math.MaxInt64 { // Go's way to say none
		limit = 0
	}
	return held, limit
}

// Renew has the next Read know what is garbage by now: it collects, unless the
// runtime has done so since the last Renew. That takes as long as a collection
// does; nobody else is held up meanwhile.
func (m *Meter) Renew() {
	metrics.Read(m.samples[:])
	if m.samples[1].Value.Uint64() == m.renewed {
		runtime.GC()
		metrics.Read(m.samples[:])
	}
	m.renewed = m.samples[1].Value.Uint64()
}
