package actors

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// askPatience is how long a scrape waits for the figures of the old process.
const askPatience = 2 * time.Second

// Figures of a process that hands over go on in those of its successor: counters and
// histograms are the sum of what both have counted, for ever, and so is the number
// of open sessions, as long as the old process has some. Everything else is this
// process's own.

// inherited is what the process that this one has taken over from has counted, as
// it last said. The methods may be called from any goroutine.
type inherited struct {
	ask     atomic.Pointer[func(context.Context) error] // nil: there is none, or no more
	stalled atomic.Bool                                 // it did not answer last

	// mu is held for reading by who adds the figures to those of this process, so that
	// none are in both, or in neither.
	mu       sync.RWMutex
	families []*dto.MetricFamily // sorted by name, never changed
	ended    time.Time           // zero: there may be more
}

// summedGauge says which gauges are those of both processes together.
func summedGauge(name string) bool {
	return name == "proxy_active_connections" || name == "proxy_sessions"
}

// counted says whether the series of a family are summed.
func counted(f *dto.MetricFamily) bool {
	switch f.GetType() {
	case dto.MetricType_COUNTER, dto.MetricType_HISTOGRAM:
		return true
	case dto.MetricType_GAUGE:
		return summedGauge(f.GetName())
	}
	return false
}

// Gatherer gives every figure of the daemon, with those of the process that this one
// has taken over from.
func (m *Metrics) Gatherer() prometheus.Gatherer { return prometheus.GathererFunc(m.gather) }

func (m *Metrics) gather() ([]*dto.MetricFamily, error) {
	i := &m.inherited
	i.refresh()
	i.mu.RLock()
	defer i.mu.RUnlock()
	own, err := m.own()
	return sumFamilies(own, i.families), err
}

// Snapshot is what this process has counted and inherited, for Report of its
// successor.
func (m *Metrics) Snapshot() ([]byte, error) {
	families, err := m.gather()
	if len(families) == 0 {
		return nil, err
	}
	var text bytes.Buffer
	e := expfmt.NewEncoder(&text, expfmt.NewFormat(expfmt.TypeProtoDelim))
	for _, f := range families {
		if !counted(f) {
			continue
		}
		if err := e.Encode(f); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

// Inherit has every scrape ask for a Report first, which is there when ask returns.
func (m *Metrics) Inherit(ask func(context.Context) error) { m.inherited.ask.Store(&ask) }

// Report is a Snapshot of the process that this one has taken over from, which takes
// the place of the one before. What is no Snapshot changes nothing, and is an error.
func (m *Metrics) Report(snapshot []byte) error {
	var families []*dto.MetricFamily
	d := expfmt.NewDecoder(bytes.NewReader(snapshot), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		f := &dto.MetricFamily{}
		err := d.Decode(f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if counted(f) {
			families = append(families, f)
		}
	}
	slices.SortFunc(families, byName)
	i := &m.inherited
	i.mu.Lock()
	defer i.mu.Unlock()
	i.families = families
	i.stalled.Store(false)
	return nil
}

// Inherited notes that there will be no more reports: the other process has ended,
// and its sessions with it. What it had counted stays.
func (m *Metrics) Inherited(now time.Time) {
	i := &m.inherited
	i.ask.Store(nil)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = now
	var left []*dto.MetricFamily
	for _, f := range i.families {
		if f.GetName() == outboundName {
			f = m.Ledger.absorb(f, now)
		}
		if f.GetType() != dto.MetricType_GAUGE && len(f.GetMetric()) > 0 {
			left = append(left, f)
		}
	}
	i.families = left
}

// refresh asks for a report. One who did not answer is asked again once it has said
// something by itself.
func (i *inherited) refresh() {
	ask := i.ask.Load()
	if ask == nil || i.stalled.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askPatience)
	defer cancel()
	if err := (*ask)(ctx); err != nil {
		i.stalled.Store(true)
	}
}

// forget drops the series of listeners that are gone: those whose own have been
// dropped, and those that this process never had, a while after the other's end.
func (i *inherited) forget(gone []string, l *Ledger, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	late := !i.ended.IsZero() && now.Sub(i.ended) >= accountKeep
	if len(i.families) == 0 || len(gone) == 0 && !late {
		return
	}
	drop := func(m *dto.Metric) bool {
		listener, has := labelOf(m, "listener")
		return has && (slices.Contains(gone, listener) || late && l.account(listener) == nil)
	}
	families := make([]*dto.MetricFamily, 0, len(i.families))
	for _, f := range i.families {
		families = append(families, without(f, drop))
	}
	i.families = families
}

// without is a family that lacks some series.
func without(f *dto.MetricFamily, drop func(*dto.Metric) bool) *dto.MetricFamily {
	kept := slices.DeleteFunc(slices.Clone(f.GetMetric()), drop)
	return &dto.MetricFamily{Name: f.Name, Help: f.Help, Type: f.Type, Unit: f.Unit, Metric: kept}
}

// account is the page of a listener, nil if there is none.
func (l *Ledger) account(listener string) (found *account) {
	l.each(func(a *account) {
		if a.listener == listener {
			found = a
		}
	})
	return found
}

// absorb makes the destinations of another process ours, so that they lose their
// series like these, and returns those that no listener of ours has.
func (l *Ledger) absorb(f *dto.MetricFamily, now time.Time) *dto.MetricFamily {
	return without(f, func(m *dto.Metric) bool {
		listener, _ := labelOf(m, "listener")
		destination, _ := labelOf(m, "destination")
		a := l.account(listener)
		if a == nil {
			return false
		}
		ip, _ := netip.ParseAddr(destination) // else it is the overflow's
		a.destinations.absorb(ip, uint64(m.GetCounter().GetValue()), now)
		return true
	})
}

// absorb counts connections that another process has made, none of which is open.
func (t *destinations) absorb(ip netip.Addr, connected uint64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.byIP[ip]
	switch {
	case d != nil:
	case !ip.IsValid() || len(t.byIP) >= t.limit:
		d = t.overflow
	default:
		d = &destination{label: ip.String(), idleSince: now}
		t.byIP[ip] = d
		t.stale = true
	}
	d.connected.Add(connected)
}

func labelOf(m *dto.Metric, name string) (value string, has bool) {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue(), true
		}
	}
	return "", false
}

func byName(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) }
