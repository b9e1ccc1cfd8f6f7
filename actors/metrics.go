package actors

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/troupe-proxy/troupe/internal/limit"
	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// pruneEvery is how often idle destinations are looked for. It bounds how much
// longer than its idle time a series can stay.
const pruneEvery = 15 * time.Second

// Metrics is what the metrics actor owns: the registry with the ledger, the
// histograms and the figures of the process. It outlives the actor, so that a
// restart loses no count. Its exported methods may be called from any goroutine.
type Metrics struct {
	Ledger   *Ledger
	Policy   *PolicyMetrics
	registry *prometheus.Registry
	times    durations
	// Lua counts the calls into policies; whoever loads one hands it this meter.
	Lua *pool.Meter

	certificates certificates
	bans         *limit.Bans // of all listeners
	listeners    listenerFigures
	live         liveFigures
	transport    transportFigures
	sources      sourceFigures
	reports      reports
	balancers    balancerFigures
	groups       groupFigures
	busiest      busiest
	inherited    inherited
	memory       memoryFigures
}

// NewMetrics makes a registry with the families of the proxy, all without a
// listener yet, of the Go runtime, the process and the build.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		Ledger:   &Ledger{},
		Policy:   newPolicyMetrics(),
		Lua:      pool.NewMeter(),
		bans:     limit.NewBans(),
		registry: prometheus.NewRegistry(),
		times:    newDurations(),
		groups:   newGroupFigures(),
		busiest:  newBusiest(),
	}
	m.listeners.ledger, m.live.ledger, m.memory.ledger = m.Ledger, m.Ledger, m.Ledger
	m.balancers = newBalancerFigures()
	// The set is fixed: a clash is a mistake in this file.
	m.registry.MustRegister(m.Ledger, m.Policy, &m.certificates, &m.listeners, &m.live, &m.transport, &m.sources, luaFigures{m.Lua}, banFigures{m.bans}, &m.times, m.balancers.refused, &m.groups, &m.memory, buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "troupe_build_info",
		Help: "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{
			"version": version, "goversion": runtime.Version(), "goos": runtime.GOOS, "goarch": runtime.GOARCH,
		},
	}, func() float64 { return 1 })
}

// open starts the books of a listener: every series of it is there, at zero.
func (m *Metrics) open(listener string, series int, idle time.Duration) (*account, error) {
	a, err := m.Ledger.open(listener, series, idle)
	if err != nil {
		return nil, err
	}
	if a.reports == nil { // it is new
		a.reports = &m.reports
		a.times = m.times.of(listener)
	}
	return a, nil
}

// forget drops the series of listeners that have been gone for long enough.
func (m *Metrics) forget(now time.Time) {
	gone := m.Ledger.forget(now)
	m.inherited.forget(gone, m.Ledger, now)
	for _, listener := range gone {
		m.times.forget(listener)
	}
}

// observe puts what sessions have reported into the histograms and the list of busy
// destinations, and tells the observer, if there is one.
func (m *Metrics) observe(observer SessionObserver) {
	ended := m.reports.take()
	m.busiest.add(ended, time.Now())
	for _, e := range ended {
		e.account.times.observe(&e)
		if e.session != nil && observer != nil {
			observer.SessionEnded(e.session)
		}
	}
}

// metricsActor hears of every session's end and prunes idle destinations.
// Counters do not come this way: an event that is lost with a restart may cost
// a histogram one observation, but bends no counter.
type metricsActor struct {
	metrics  *Metrics
	observer SessionObserver // nil: nobody is told
	log      *slog.Logger
	tap      Tap
	ticker   *time.Timer
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
	switch ctx.Message().(type) {
	case *actor.Started:
		a.tick(ctx)
		a.metrics.observe(a.observer) // the message may have been lost with a restart
	case *sessionsEnded:
		a.metrics.observe(a.observer)
	case *pruneTick:
		a.tick(ctx) // first: a panic below must not end the ticking
		a.metrics.forget(time.Now())
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
