package actors

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// withBalancer puts a load balancer in front of the SOCKS listener.
func withBalancer(from ...string) func(*setup) {
	return func(s *setup) {
		s.listeners[0].ProxyProtocol = true
		s.listeners[0].ProxyProtocolFrom = []rules.Network{}
		for _, text := range from {
			n, err := rules.ParseNetwork(text)
			if err != nil {
				panic(err)
			}
			s.listeners[0].ProxyProtocolFrom = append(s.listeners[0].ProxyProtocolFrom, n)
		}
	}
}

// Behind a load balancer everything goes by the address in the header: the rules,
// the hooks, the list of sessions, the log and whoever is told of the end.
func TestBehindBalancer(t *testing.T) {
	var log journal
	var ends witness
	up := startUpstream(t)
	tr, _ := withPolicy(t, `kumo.on('proxy_server_request', function(r, meta)
		if meta.peer_address ~= '203.0.113.9:4000' then return false end
	end)`, policy.Options{}, withBalancer("127.0.0.1"), witnessed(&ends), func(s *setup) {
		s.listeners[0].Rules.AllowClients = networks(t, "203.0.113.0/24")
		s.listeners[0].Rules.AllowLocalDestinations = true
		s.log = log.logger()
	})
	c := tr.mustDial()
	must(t, c.say([]byte("PROXY TCP4 203.0.113.9 192.0.2.1 4000 1080\r\n")...))
	must(t, c.open(up.addr))
	must(t, c.echo("hello"))
	want := netip.MustParseAddrPort("203.0.113.9:4000")
	if all := slices.Collect(tr.sys.Sessions()); len(all) != 1 || all[0].Client != want {
		t.Errorf("got the sessions %+v; want one of %v", all, want)
	}
	must(t, c.finish())
	if got := ends.next(t, 0).Client; got != want {
		t.Errorf("told of the end of %v; want %v", got, want)
	}
	eventually(t, "its line", func() bool { return log.count("client=203.0.113.9:4000") == 1 })

	for range 3 {
		refused := tr.mustDial()
		must(t, refused.say(append([]byte("PROXY TCP4 198.51.100.9 192.0.2.1 4000 1080\r\n"), greetNone...)...))
		must(t, refused.ended())
	}
	tr.wantFailed(ReasonClientRefused, 3)
	eventually(t, "the lines about them", func() bool { return log.count("reason=client_refused") == 3 })
	if got := log.count(`level=INFO msg="session failed"`); got != 1 {
		t.Errorf("%d lines at info; want one a minute", got)
	}
}

// Who does not come by the load balancer is closed and counted, whatever it says.
func TestPastBalancer(t *testing.T) {
	tr := startTree(t, withBalancer("192.0.2.1"))
	tr.wantCut()
	tr.wantFailed(ReasonClientRefused, 1)
}

// An HTTP listener goes by the header too, and by what the newest policy says of it.
func TestHTTPBehindBalancer(t *testing.T) {
	listener := anyHTTP()
	listener.ProxyProtocol, listener.ProxyProtocolFrom = true, networks(t, "127.0.0.1")
	tr := startTree(t, func(s *setup) {
		s.http = append(s.http, listener)
		s.serveHTTP = func(policy.HTTPListener, string) *http.Server {
			return &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })}
		}
	})
	ask := func(said string) string {
		t.Helper()
		c, err := dial(t.Context(), tr.web)
		must(t, err)
		defer c.Close()
		_ = c.say([]byte(said + "GET / HTTP/1.0\r\n\r\n")...) // it may be closed by then
		b, _ := c.hear(1 << 10)
		return strings.TrimRight(string(b), "\x00")
	}
	const header = "PROXY TCP4 203.0.113.9 192.0.2.1 4000 80\r\n"
	if got := ask(header); !strings.HasSuffix(got, "\r\n\r\n203.0.113.9:4000") {
		t.Errorf("got %q; want the client of the header", got)
	}
	if got := ask(""); got != "" {
		t.Errorf("without a header: got %q; want it closed", got)
	}
	eventually(t, "the count", func() bool {
		return tr.value("proxy_http_clients_refused_total", "reason", "header") == 1
	})
	listener.ProxyProtocolFrom = networks(t, "192.0.2.1")
	tr.mustReloadHTTP(listener)
	if got := ask(header); got != "" {
		t.Errorf("from elsewhere: got %q; want it closed", got)
	}
	if got := tr.value("proxy_http_clients_refused_total", "reason", "untrusted"); got != 1 {
		t.Errorf("counted %v; want 1", got)
	}
	tr.mustReloadHTTP(anyHTTP())
	if got := ask(""); !strings.Contains(got, "127.0.0.1:") {
		t.Errorf("without a load balancer: got %q; want the client's own address", got)
	}
}
