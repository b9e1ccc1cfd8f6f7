package actors

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"
)

// names is a resolver with a function for each name.
type names map[string]func(network string) ([]netip.Addr, error)

// LookupNetIP implements egress.Resolver.
func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if f := n[host]; f != nil {
		return f(network)
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func withNames(n names) func(*setup) { return func(s *setup) { s.resolver = n } }

// wantDials wants one dial result, and that one.
func wantDials(t *testing.T, f figures, result string) {
	t.Helper()
	if got := f["proxy_dials_total"]; got[result] != 1 || f.sum("proxy_dials_total") != 1 {
		t.Errorf("dial results %v; want one, %s", got, result)
	}
}

// A name is dialled at each of its addresses until one connects; it is one dial.
func TestNameIsDialledUntilAnAddressConnects(t *testing.T) {
	echo := startUpstream(t)
	tr := startTree(t, withNames(names{"mx.example": func(network string) ([]netip.Addr, error) {
		if network == "ip6" {
			return []netip.Addr{netip.MustParseAddr("::1")}, nil
		}
		// Nothing listens at the first.
		return []netip.Addr{netip.MustParseAddr("127.0.0.77"), echo.addr.Addr()}, nil
	}}))
	c := tr.mustDial()
	must(t, c.greet())
	code, err := c.ask(requestName("mx.example", echo.addr.Port()))
	must(t, err)
	if code != 0 {
		t.Fatalf("answered %d; want 0", code)
	}
	must(t, c.echo("hello\r\n"))
	f := gather(t, tr.reg)
	wantDials(t, f, "connected")
	if got := f["proxy_outbound_connections_total"]["127.0.0.1"]; got != 1 {
		t.Errorf("%v sessions to 127.0.0.1; want 1", got)
	}
}

// What the client is told, and what is booked, when a name leads nowhere.
func TestNamesThatFail(t *testing.T) {
	tests := []struct {
		name   string
		host   string
		code   byte
		reason Reason
		result string
	}{
		{"unknown", "unknown.example", 4, ReasonNameNotFound, "name_not_found"},
		{"the resolver fails", "broken.example", 1, ReasonResolveFailed, "resolve_failed"},
		{"the resolver panics", "panic.example", 1, ReasonResolveFailed, "resolve_failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := startTree(t, withNames(names{
				"broken.example": func(string) ([]netip.Addr, error) {
					return nil, &net.DNSError{Err: "server misbehaving", Name: "broken.example"}
				},
				"panic.example": func(string) ([]netip.Addr, error) { panic(errInjected) },
			}))
			must(t, tr.mustDial().refused(requestName(tt.host, 25), tt.code))
			tr.wantFailed(tt.reason, 1)
			wantDials(t, gather(t, tr.reg), tt.result)
		})
	}
}

// A lookup ends with its session: when the client leaves, and when the time for
// dialling is over.
func TestLookupEndsWithItsSession(t *testing.T) {
	tests := []struct {
		name   string
		limit  time.Duration
		end    func(c *client) error
		reason Reason
		result string
	}{
		{"the client leaves", time.Minute, (*client).Close, ReasonClientLeftDialing, "client_left"},
		{"the client resets", time.Minute, (*client).reset, ReasonClientLeftDialing, "client_left"},
		{"it takes too long", time.Millisecond, (*client).ttlExpired, ReasonConnectTimeout, "timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slow := newSlowNames()
			tr := startTree(t, func(s *setup) {
				s.resolver = slow
				s.listeners[0].ConnectTimeout = tt.limit
			})
			c := tr.mustDial()
			must(t, c.greet())
			must(t, c.say(requestName("slow.example", 25)...))
			await(t, "the lookup", slow.asked)
			must(t, tt.end(c))
			await(t, "the lookup to be cancelled", slow.cancelled)
			tr.wantFailed(tt.reason, 1)
			wantDials(t, gather(t, tr.reg), tt.result)
			_ = c.Close()
			tr.wantIdle()
		})
	}
}

// ttlExpired is the answer to a CONNECT that took too long.
func (c *client) ttlExpired() error {
	b, err := c.hear(10)
	if err == nil && b[1] != 6 {
		return net.UnknownNetworkError("not code 6")
	}
	return err
}
