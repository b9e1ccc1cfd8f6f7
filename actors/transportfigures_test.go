package actors

import (
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// figured is a network that has certain figures.
type figured struct {
	transport.Network
	now transport.Figures
}

func (f *figured) Figures() transport.Figures { return f.now }

func TestTransportFigures(t *testing.T) {
	m := NewMetrics("test")
	if f := gather(t, m.Gatherer()); len(f["proxy_remainder_bytes"]) != 0 {
		t.Error("there are remainders before there is a transport; want none")
	}
	n := &figured{now: transport.Figures{Held: 5, HeldLimit: 7}}
	m.transport.of(n)
	f := gather(t, m.Gatherer())
	if len(f["proxy_pipes"])+len(f["proxy_loop_busy_seconds"]) != 0 {
		t.Error("a transport without loops has pipes or loops; want none")
	}
	lag := transport.Lag{Sum: 5 * time.Second}
	lag.Counts[0], lag.Counts[1], lag.Counts[len(lag.Counts)-1] = 10, 4, 1
	n.now = transport.Figures{Held: 5, HeldLimit: 7, Loops: []transport.LoopFigures{{Busy: 3 * time.Second, Lag: lag}, {}}}
	n.now.Pipes = transport.Pipes{Lent: 1, Stalled: 2, Spare: 3}
	n.now.Pipes.Refused[transport.ShortOfPages] = 11
	f = gather(t, m.Gatherer())
	for name, want := range map[string]float64{
		"proxy_remainder_bytes": 5, "proxy_remainder_limit_bytes": 7, "proxy_pipes": 6,
		"proxy_pipe_refusals_total": 11, "proxy_loop_busy_seconds": 3,
	} {
		if got := f.sum(name); got != want {
			t.Errorf("%s: got %v; want %v", name, got, want)
		}
	}
	families, err := m.Gatherer().Gather()
	must(t, err)
	for _, family := range families {
		if family.GetName() != "proxy_loop_lag_seconds" {
			continue
		}
		got := family.Metric[0].GetHistogram()
		if got.GetSampleCount() != 15 || got.GetSampleSum() != 5 || got.GetBucket()[1].GetCumulativeCount() != 14 {
			t.Errorf("lag: got %v; want 15 that waited 5 s, 14 of them no more than 5 ms", got)
		}
		return
	}
	t.Error("there is no proxy_loop_lag_seconds")
}
