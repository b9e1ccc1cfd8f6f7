package actors

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/supervise"
)

// pruneEvery is how often idle destinations are looked for. It bounds how much
// longer than its idle time a series can stay.
const pruneEvery = 15 * time.Second

// Metrics is what the metrics actor owns: the ledger's collector and the
// histograms. It outlives the actor, so that a restart loses no count.
type Metrics struct {
	Ledger  *Ledger
	greet   *prometheus.HistogramVec
	connect *prometheus.HistogramVec
	session *prometheus.HistogramVec
}

// NewMetrics registers the families of the proxy with reg.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		Ledger: &Ledger{},
		greet: histogram("proxy_greet_duration_seconds",
			"Time from accept to the answer to the client's greeting.", prometheus.DefBuckets),
		connect: histogram("proxy_connect_duration_seconds",
			"Time from CONNECT to the dial's result, name resolution included.", prometheus.DefBuckets),
		session: histogram("proxy_session_duration_seconds",
			"Time from accept to the end of a connection that relayed.", []float64{.01, .1, 1, 5, 10, 30, 60, 300, 900, 3600}),
	}
	for _, c := range []prometheus.Collector{m.Ledger, m.greet, m.connect, m.session} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func histogram(name, help string, buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{"listener"})
}

// open starts the books of a listener: every series of it is there, at zero.
func (m *Metrics) open(listener string, series int, idle time.Duration) (*account, error) {
	a, err := m.Ledger.open(listener, series, idle)
	if err != nil {
		return nil, err
	}
	for _, h := range []*prometheus.HistogramVec{m.greet, m.connect, m.session} {
		h.WithLabelValues(listener)
	}
	return a, nil
}

func (m *Metrics) observe(e *sessionEnded) {
	listener := e.account.listener
	if e.greeted > 0 {
		m.greet.WithLabelValues(listener).Observe(e.greeted.Seconds())
	}
	if e.dialled > 0 {
		m.connect.WithLabelValues(listener).Observe((e.dialled - e.requested).Seconds())
	}
	if e.relayed {
		m.session.WithLabelValues(listener).Observe(e.total.Seconds())
	}
}

// metricsActor hears of every session's end and prunes idle destinations.
// Counters do not come this way: an event that is lost with a restart may cost
// a histogram one observation, but bends no counter.
type metricsActor struct {
	metrics *Metrics
	log     *slog.Logger
	tap     Tap
	ticker  *time.Timer
}

// Receive implements actor.Actor.
func (a *metricsActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		supervise.Contain(a.log, a.stopTicker)
		return
	case *actor.Stopped:
		return
	default:
		a.tap(KindMetrics, ctx.Message())
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.tick(ctx)
	case *sessionEnded:
		a.metrics.observe(m)
	case *pruneTick:
		a.tick(ctx) // first: a panic below must not end the ticking
		if n := a.metrics.Ledger.prune(time.Now()); n > 0 {
			a.log.Debug("idle destinations lost their series", slog.Int("destinations", n))
		}
	}
}

func (a *metricsActor) tick(ctx actor.Context) {
	root, self := ctx.ActorSystem().Root, ctx.Self()
	a.stopTicker()
	a.ticker = time.AfterFunc(pruneEvery, func() { root.Send(self, &pruneTick{}) })
}

func (a *metricsActor) stopTicker() {
	if a.ticker != nil {
		a.ticker.Stop()
	}
}
