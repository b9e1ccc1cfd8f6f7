package actors

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// family is one metric family that is read off the ledger.
type family struct {
	desc  *prometheus.Desc
	gauge bool
}

func newFamily(name, help string, labels ...string) family {
	return family{desc: prometheus.NewDesc(name, help, append([]string{"listener"}, labels...), nil)}
}

var (
	famAccepted  = newFamily("proxy_connections_accepted_total", "Client connections accepted, counted before any handshake.")
	famFailed    = newFamily("proxy_connections_failed_total", "Connections that never relayed or were cut by the proxy; proxy_session_failures_total says why.")
	famCompleted = newFamily("proxy_connections_completed_total", "Connections that relayed and were ended by a peer.")
	famProbed    = newFamily("proxy_connections_probed_total", "Connections that the client closed before its first byte, as TCP health checks do.")
	famActive    = gauge(newFamily("proxy_active_connections", "Connections that have been accepted and have not ended."))
	famReceived  = newFamily("proxy_bytes_received_total", "Bytes received from clients and taken by the upstream's socket, SOCKS not included.")
	famSent      = newFamily("proxy_bytes_sent_total", "Bytes received from upstreams and taken by the client's socket, SOCKS not included.")
	famUp        = newFamily("proxy_bytes_client_to_dest_total", "The same value as proxy_bytes_received_total, under KumoMTA's name.")
	famDown      = newFamily("proxy_bytes_dest_to_client_total", "The same value as proxy_bytes_sent_total, under KumoMTA's name.")
	famTLS       = newFamily("proxy_tls_handshake_failures_total", "TLS handshakes with clients that failed.")
	famStale     = newFamily("proxy_auth_stale_total", "Logins for which an earlier yes of the policy stood in while it failed, as auth_cache.stale_if_error permits. The log says how it fails.")
	famEnded     = newFamily("proxy_sessions_ended_total", "Completed connections by how the peer ended them: fin or reset.", "end")
	famFailures  = newFamily("proxy_session_failures_total", "Failed connections by reason and by the side at fault: client, upstream, policy or proxy.", "reason", "fault")
	famCut       = newFamily("proxy_sessions_cut_total", "Sessions that the proxy ended and their peers had not, by what made it do so and by the side that they waited for: one that waited for the upstream may have been between the end of a mail and the answer.", "why", "waiting_for")
	famDials     = newFamily("proxy_dials_total", "CONNECT requests by how dialling the upstream ended; one per request, however many addresses were tried.", "result")
	famReplies   = newFamily("proxy_replies_total", "CONNECT requests that were answered, and BIND requests that were refused, by the reply of RFC 1928 that the client got. What is not succeeded has its reason in proxy_session_failures_total.", "reply")
)

func gauge(f family) family { f.gauge = true; return f }

func families() []family {
	return []family{famAccepted, famFailed, famCompleted, famProbed, famActive, famReceived, famSent, famUp, famDown,
		famTLS, famStale, famEnded, famFailures, famCut, famDials, famReplies}
}

// series is one time series whose labels are made once, so that a scrape allocates
// little.
type series struct {
	family family
	labels []*dto.LabelPair
	read   func() uint64
}

func (f family) series(read func() uint64, labels ...string) *series {
	return &series{family: f, labels: prometheus.MakeLabelPairs(f.desc, labels), read: read}
}

// Desc implements prometheus.Metric.
func (s *series) Desc() *prometheus.Desc { return s.family.desc }

// Write implements prometheus.Metric.
func (s *series) Write(out *dto.Metric) error { return s.write(out, s.read()) }

func (s *series) write(out *dto.Metric, n uint64) error {
	v := float64(n)
	out.Label = s.labels
	if s.family.gauge {
		out.Gauge = &dto.Gauge{Value: &v}
	} else {
		out.Counter = &dto.Counter{Value: &v}
	}
	return nil
}

// sample is a series with the value it had at one moment.
type sample struct {
	*series
	n uint64
}

// Write implements prometheus.Metric.
func (s sample) Write(out *dto.Metric) error { return s.write(out, s.n) }

// makeSeries lists the series that a listener has from its start to its end.
func (a *account) makeSeries() []*series {
	all := []*series{
		famReceived.series(a.traffic.Up.Load, a.listener),
		famSent.series(a.traffic.Down.Load, a.listener),
		famUp.series(a.traffic.Up.Load, a.listener),
		famDown.series(a.traffic.Down.Load, a.listener),
		famTLS.series(a.failures[ReasonTLSHandshake].Load, a.listener),
		famStale.series(a.stale.count.Load, a.listener),
	}
	for e := range endCount {
		all = append(all, famEnded.series(a.endings[e].Load, a.listener, e.String()))
	}
	for r := ReasonNone + 1; r < reasonCount; r++ {
		all = append(all, famFailures.series(a.failures[r].Load, a.listener, r.String(), r.Fault().String()))
	}
	for why := cause(1); why < causes; why++ {
		for side := range a.cuts[why] {
			all = append(all, famCut.series(a.cuts[why][side].Load, a.listener, why.String(), waitingFor(transport.Side(side)).String()))
		}
	}
	for i, res := range egress.Results() {
		all = append(all, famDials.series(a.dials[i].Load, a.listener, res.String()))
	}
	for code, name := range replyNames {
		all = append(all, famReplies.series(a.replies[code].Load, a.listener, name))
	}
	return all
}

// replyNames are those of the label, by the code of RFC 1928 section 6.
var replyNames = [...]string{"succeeded", "general_failure", "not_allowed", "network_unreachable", "host_unreachable",
	"connection_refused", "ttl_expired", "command_not_supported", "address_not_supported"}

// answer books a reply, of which there are no others than those that have a name.
func (a *account) answer(code socks5.Reply) { a.replies[int(code)%len(replyNames)].Add(1) }

// Describe implements prometheus.Collector.
func (l *Ledger) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range families() {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (l *Ledger) Collect(ch chan<- prometheus.Metric) {
	l.each(func(a *account) { a.collect(ch) })
}

func (a *account) collect(ch chan<- prometheus.Metric) {
	// These five are one look at the sessions, so that their sum is right.
	accepted, active, ended := a.balance()
	for _, s := range []struct {
		family family
		n      uint64
	}{
		{famAccepted, accepted}, {famActive, active},
		{famCompleted, ended[Completed]}, {famFailed, ended[Failed]}, {famProbed, ended[Probed]},
	} {
		ch <- sample{s.family.series(nil, a.listener), s.n}
	}
	for _, s := range a.series {
		ch <- s
	}
}
