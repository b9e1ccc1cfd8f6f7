package actors

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	sessionsByPhase = prometheus.NewDesc("proxy_sessions",
		"Open connections by the phase they are in. Many in greeting or auth: clients that say nothing; in hook: the policy is slow, see lua_event_latency; in dialing: upstreams do not answer, or names do not resolve.", []string{"listener", "phase"}, nil)
	actorRestarts = prometheus.NewDesc("troupe_actor_restarts_total",
		"How often actors of a kind were brought back by their parent: after a failure, for a reload, or by request. Where it grows unasked, troupe tree and the log say over what.", []string{"kind"}, nil)
	mailboxWaiting = prometheus.NewDesc("troupe_mailbox_messages",
		"Messages that wait in the mailboxes of all actors of a kind, connections not included. Above 0 for long: that kind does not keep up, for want of processor time or by a fault to report.", []string{"kind"}, nil)
	mailboxLongest = prometheus.NewDesc("troupe_mailbox_messages_max",
		"Messages that wait in the fullest mailbox of a kind. Near troupe_mailbox_messages: a single actor is stuck, which troupe tree names.", []string{"kind"}, nil)
)

// liveFigures shows who is there. They are read off the census when somebody
// scrapes: no actor is asked, and nothing is counted in the meantime.
type liveFigures struct {
	ledger *Ledger
	live   atomic.Pointer[live] // nil: nobody is there yet
}

// Describe implements prometheus.Collector.
func (f *liveFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sessionsByPhase, actorRestarts, mailboxWaiting, mailboxLongest} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *liveFigures) Collect(ch chan<- prometheus.Metric) {
	l := f.live.Load()
	if l == nil {
		l = &live{}
	}
	// The listeners first: a session is of one that is known.
	phases := make(map[*account]*[phaseEnded]int)
	f.ledger.each(func(a *account) { phases[a] = new([phaseEnded]int) })
	var waiting, longest [len(kindNames)]int
	for _, c := range l.sessions.All() {
		if p := c.shownPhase(); p < phaseEnded && phases[c.record.account] != nil {
			phases[c.record.account][p]++
		}
	}
	for _, a := range l.tree.Actors() {
		k := kindOf(a.Kind)
		waiting[k] += a.Mailbox
		longest[k] = max(longest[k], a.Mailbox)
	}
	for a, counts := range phases {
		for p, n := range counts {
			ch <- prometheus.MustNewConstMetric(sessionsByPhase, prometheus.GaugeValue, float64(n), a.listener, phase(p).String())
		}
	}
	restarts := l.tree.Restarts()
	for k, name := range kindNames {
		if Kind(k) == KindConnection {
			// It is never brought back, and works on the goroutine of whoever sends to
			// it; to look into thousands of mailboxes would cost a scrape too much.
			continue
		}
		ch <- prometheus.MustNewConstMetric(mailboxWaiting, prometheus.GaugeValue, float64(waiting[k]), name)
		ch <- prometheus.MustNewConstMetric(mailboxLongest, prometheus.GaugeValue, float64(longest[k]), name)
		ch <- prometheus.MustNewConstMetric(actorRestarts, prometheus.CounterValue, float64(restarts[name]), name)
	}
}
