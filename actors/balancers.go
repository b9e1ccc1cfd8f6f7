package actors

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/balancer"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// balancers are the load balancers in front of an HTTP listener, and what becomes
// of who comes by another way. It may be used by any goroutine.
type balancers struct {
	clients  *rules.Clients
	listener string
	figures  *balancerFigures
	log      *slog.Logger
	said     sparing
}

// headerPatience is how long a PROXY header may take, as a request's may.
const headerPatience = 10 * time.Second

// newBalancers is nil where clients come directly.
func (c *Config) newBalancers(l *policy.HTTPListener, bound string) *balancers {
	if !l.ProxyProtocol {
		return nil
	}
	return &balancers{
		clients:  rules.NewClients(rules.ProxyProtocolFrom, l.ProxyProtocolFrom),
		listener: bound, figures: &c.Metrics.balancers, log: c.Log(targetHTTP),
	}
}

// admit gives the connection as it is to be served, or nil if it was closed because
// it does not come from a load balancer.
func (b *balancers) admit(c net.Conn) net.Conn {
	if b == nil {
		return c
	}
	peer, _ := netip.ParseAddrPort(c.RemoteAddr().String()) // what is none is not in the list
	if v := b.clients.Judge(peer.Addr()); !v.Allowed {
		b.figures.refuse(refusedUntrusted)
		b.say(c.RemoteAddr(), v.String())
		_ = c.Close() // nothing was said
		return nil
	}
	return balancer.New(c, headerPatience, func(err error) {
		b.figures.refuse(refusedHeader)
		b.say(c.RemoteAddr(), err.Error())
	})
}

// say logs a client that is not served, at most one a minute.
func (b *balancers) say(peer net.Addr, why string) {
	others, due := b.said.due(time.Now())
	b.log.LogAttrs(context.Background(), refusalLevel(due), "http client refused", slog.String("listener", b.listener),
		slog.String("client", peer.String()), slog.String("why", why), slog.Int("others", others))
}

// The reasons for which a client of an HTTP listener behind a load balancer is
// closed; labels.
const (
	refusedUntrusted = "untrusted"
	refusedHeader    = "header"
)

// balancerFigures counts the clients of HTTP listeners that are not served.
type balancerFigures struct{ refused *prometheus.CounterVec }

func newBalancerFigures() balancerFigures {
	f := balancerFigures{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "proxy_http_clients_refused_total",
		Help: "Connections to an HTTP listener with proxy_protocol that were closed: untrusted, they did not come from proxy_protocol_from; header, what they began with is no PROXY header that names a client.",
	}, []string{"reason"})}
	for _, reason := range []string{refusedUntrusted, refusedHeader} {
		f.refused.WithLabelValues(reason) // there from the start
	}
	return f
}

func (f *balancerFigures) refuse(reason string) { f.refused.WithLabelValues(reason).Inc() }
