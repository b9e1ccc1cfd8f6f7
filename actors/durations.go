package actors

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// durations are the histograms of how long the phases of sessions took, by listener.
// A session is observed at its end, by the metrics actor.
type durations struct {
	greet, auth, connect, firstByte, session *prometheus.HistogramVec
}

// observers are those of one listener.
type observers struct {
	greet, auth, connect, firstByte, session prometheus.Observer
}

func newDurations() durations {
	return durations{
		greet: histogram("proxy_greet_duration_seconds",
			"Time from accept to the answer to the client's greeting.", prometheus.DefBuckets),
		auth: histogram("proxy_auth_duration_seconds",
			"Time from accept to a login that the policy took, where clients log in. Far above proxy_greet_duration_seconds: clients are slow, or the policy is; lua_event_latency says which.", prometheus.DefBuckets),
		connect: histogram("proxy_connect_duration_seconds",
			"Time from CONNECT to the dial's result, name resolution included.", prometheus.DefBuckets),
		firstByte: histogram("proxy_first_byte_duration_seconds",
			"Time from the connection to the upstream to its first byte that the client was handed: in mail the banner. Long for all: the receivers make your addresses wait.", prometheus.DefBuckets),
		session: histogram("proxy_session_duration_seconds",
			"Time from accept to the end of a connection that relayed.", []float64{.01, .1, 1, 5, 10, 30, 60, 300, 900, 3600}),
	}
}

func histogram(name, help string, buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{"listener"})
}

func (d *durations) vectors() []*prometheus.HistogramVec {
	return []*prometheus.HistogramVec{d.greet, d.auth, d.connect, d.firstByte, d.session}
}

// of are those of a listener, which are there from now on.
func (d *durations) of(listener string) observers {
	return observers{
		greet: d.greet.WithLabelValues(listener), auth: d.auth.WithLabelValues(listener),
		connect: d.connect.WithLabelValues(listener), firstByte: d.firstByte.WithLabelValues(listener),
		session: d.session.WithLabelValues(listener),
	}
}

// forget drops those of a listener.
func (d *durations) forget(listener string) {
	for _, h := range d.vectors() {
		h.DeleteLabelValues(listener)
	}
}

// observe takes the phases that a session has reached.
func (o *observers) observe(e *sessionEnded) {
	if e.greeted > 0 {
		o.greet.Observe(e.greeted.Seconds())
	}
	if e.authenticated > 0 {
		o.auth.Observe(e.authenticated.Seconds())
	}
	if e.dialled > 0 {
		o.connect.Observe((e.dialled - e.requested).Seconds())
	}
	if e.firstByte > 0 {
		o.firstByte.Observe((e.firstByte - e.dialled).Seconds())
	}
	if e.relayed {
		o.session.Observe(e.total.Seconds())
	}
}

// Describe implements prometheus.Collector.
func (d *durations) Describe(ch chan<- *prometheus.Desc) {
	for _, h := range d.vectors() {
		h.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (d *durations) Collect(ch chan<- prometheus.Metric) {
	for _, h := range d.vectors() {
		h.Collect(ch)
	}
}
