package actors

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/transport"
)

var (
	listenerUp = prometheus.NewDesc("proxy_listener_up",
		"1 while the listener accepts clients, else 0; one that a reload has removed has none. At 0, /proxy/status and the log say why; it comes back by itself as soon as it can.", []string{"listener"}, nil)
	listenerDrained = prometheus.NewDesc("proxy_listener_drained",
		"1 while the listener takes no clients because somebody has drained it or stops the daemon, else 0: then proxy_listener_up is 0 on purpose. troupe drain --undo ends it.", []string{"listener"}, nil)
	acceptorRestarts = prometheus.NewDesc("proxy_acceptor_restarts_total",
		"Restarts of the acceptor of a listener after a failure or by request; sessions and waiting clients stay. A reload's are not among them. One now and then is a fault survived; if it keeps growing, the log says over what the acceptor fails.", []string{"listener"}, nil)
	queueWaiting = prometheus.NewDesc("proxy_accept_queue",
		"Clients that have connected to the listener and wait to be accepted. Above 0 for long: no processor or session slot is left for them; see proxy_listener_up.", []string{"listener"}, nil)
	queueLimit = prometheus.NewDesc("proxy_accept_queue_limit",
		"Clients that may wait to be accepted before the kernel turns others away. Where proxy_accept_queue comes near it, raise the sysctl net.core.somaxconn and restart.", []string{"listener"}, nil)
	deadLetters = prometheus.NewDesc("troupe_dead_letters_total",
		"Messages to actors that had ended. Answers that come after the end of their session are such, and harmless; a rate beyond that of sessions is a fault to report.", nil, nil)
)

// queuer is a Listener that can tell how many clients wait, as those on Linux can.
type queuer interface {
	Queue() (waiting, limit uint32, err error)
}

// acceptQueue is the queue of clients of the socket that a listener serves.
type acceptQueue struct {
	queuer atomic.Pointer[queuer] // nil: there is no socket, or it cannot tell
}

// of shows the queue of a socket until the returned function is called.
func (q *acceptQueue) of(socket transport.Listener) (hide func()) {
	one, can := socket.(queuer)
	if !can {
		return func() {}
	}
	shown := &one
	q.queuer.Store(shown)
	return func() { q.queuer.CompareAndSwap(shown, nil) } // the next one may be there
}

// listenerFigures shows how the listeners are.
type listenerFigures struct {
	ledger *Ledger
	// dead counts the messages that reached nobody.
	dead atomic.Uint64
}

// watch counts the dead letters of a system, for as long as that lives.
func (f *listenerFigures) watch(system *actor.ActorSystem) {
	system.EventStream.Subscribe(func(event any) {
		if _, ok := event.(*actor.DeadLetterEvent); ok {
			f.dead.Add(1)
		}
	})
}

// Describe implements prometheus.Collector.
func (f *listenerFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{listenerUp, listenerDrained, acceptorRestarts, queueWaiting, queueLimit, deadLetters} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *listenerFigures) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(deadLetters, prometheus.CounterValue, float64(f.dead.Load()))
	for _, s := range f.ledger.Status() {
		if s.Draining {
			continue
		}
		ch <- prometheus.MustNewConstMetric(listenerUp, prometheus.GaugeValue, oneIf(s.Accepting), s.Listener)
		ch <- prometheus.MustNewConstMetric(listenerDrained, prometheus.GaugeValue, oneIf(s.Drained), s.Listener)
	}
	var all []*account // since the channel may block, and listeners wait for the lock
	f.ledger.each(func(a *account) { all = append(all, a) })
	for _, a := range all {
		// As long as there is a page: what has been counted does not fall with a removal.
		ch <- prometheus.MustNewConstMetric(acceptorRestarts, prometheus.CounterValue, float64(a.health.restartCount()), a.listener)
		q := a.queue.queuer.Load()
		if q == nil {
			continue
		}
		if waiting, limit, err := (*q).Queue(); err == nil {
			ch <- prometheus.MustNewConstMetric(queueWaiting, prometheus.GaugeValue, float64(waiting), a.listener)
			ch <- prometheus.MustNewConstMetric(queueLimit, prometheus.GaugeValue, float64(limit), a.listener)
		}
	}
}

// oneIf is a gauge that says yes or no.
func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
