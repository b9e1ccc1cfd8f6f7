package actors

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Adopt implements adopter, on what the wire has hidden.
func (w *wire) Adopt(l transport.Listener, c transport.ListenConfig) (transport.Listener, error) {
	a, can := w.Network.(adopter)
	if !can {
		return nil, errFixed
	}
	adopted, err := a.Adopt(l.(*wireListener).Listener, c)
	if err != nil {
		return nil, err
	}
	w.adopted.Add(1)
	return &wireListener{Listener: adopted, wire: w}, nil
}

// ServeQueue implements queueServer.
func (l *wireListener) ServeQueue(ctx context.Context, a transport.Acceptance) error {
	q, can := l.Listener.(queueServer)
	if !can {
		return nil
	}
	return q.ServeQueue(ctx, l.watched(a))
}

// needsSharing skips a test where sockets cannot change hands.
func (tr *tree) needsSharing() {
	tr.t.Helper()
	l, err := tr.net.Network.Listen(transport.ListenConfig{Address: netip.MustParseAddrPort("127.0.0.1:0")})
	must(tr.t, err)
	defer l.Close()
	other, err := (&wire{Network: tr.net.Network}).Adopt(&wireListener{Listener: l}, transport.ListenConfig{Address: l.Addr()})
	if errors.Is(err, errors.ErrUnsupported) {
		tr.t.Skipf("this transport cannot: %v", err)
	}
	must(tr.t, err)
	must(tr.t, other.Close())
}

// reload goes over to a policy of these listeners.
func (tr *tree) reload(listeners ...policy.Listener) (Difference, error) {
	return tr.sys.Reload(tr.t.Context(), &policy.Policy{Listeners: listeners})
}

// mustReload is reload that must succeed, with so many listeners added, changed,
// removed and unchanged.
func (tr *tree) mustReload(added, changed, removed, unchanged int, listeners ...policy.Listener) Difference {
	tr.t.Helper()
	d, err := tr.reload(listeners...)
	must(tr.t, err)
	got := [4]int{len(d.Added), len(d.Changed), len(d.Removed), d.Unchanged}
	if want := [4]int{added, changed, removed, unchanged}; got != want {
		tr.t.Errorf("added, changed, removed, unchanged: got %v; want %v\n%v", got, want, d)
	}
	return d
}

// at is anyListener on an address.
func at(a netip.AddrPort) policy.Listener {
	l := anyListener()
	l.Listen = a.String()
	return l
}

// freePort is an address on which nobody listens.
func freePort(t *testing.T) netip.AddrPort { return closedPort(t) }

// mustOpenAt is a client of another listener than the first.
func (tr *tree) mustOpenAt(proxy, upstream netip.AddrPort) *client {
	tr.t.Helper()
	c, err := dial(tr.t.Context(), proxy)
	must(tr.t, err)
	tr.t.Cleanup(func() { _ = c.Close() })
	must(tr.t, c.open(upstream))
	return c
}

// wantRefused is an address on which nobody listens any more.
func wantRefused(t *testing.T, a netip.AddrPort) {
	t.Helper()
	if c, err := dial(t.Context(), a); err == nil {
		c.Close()
		t.Errorf("%v takes clients; want it closed", a)
	}
}

// listenerActors are the names of the listeners that have an actor.
func (tr *tree) listenerActors() []string {
	var names []string
	for _, st := range tr.metrics.Ledger.Status() {
		name := st.Listener
		if st.Draining {
			name += " draining"
		}
		names = append(names, name)
	}
	return names
}

func (tr *tree) wantListeners(want ...string) {
	tr.t.Helper()
	eventually(tr.t, fmt.Sprintf("the listeners %v", want), func() bool { return slices.Equal(tr.listenerActors(), want) })
}

// wantClosed waits until nobody uses a generation.
func wantClosed(t *testing.T, g *generation) {
	t.Helper()
	eventually(t, "the policy to be closed", func() bool { return g.users.Load() == 0 })
}

func wantOpen(t *testing.T, g *generation) {
	t.Helper()
	if g.users.Load() == 0 {
		t.Error("the policy is closed while somebody lives by it")
	}
}

// says is an HTTP server that answers a text.
func says(text string) *http.Server {
	return &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })}
}

// busyPort is an address on which somebody else listens.
func busyPort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

// changed is a listener with a parameter that new sessions notice.
func changed(l policy.Listener) policy.Listener {
	l.RequireAuth = true
	l.Timeout = 30 * time.Second
	return l
}

func netipOf(l policy.Listener) netip.AddrPort { return netip.MustParseAddrPort(l.Listen) }

// countDials makes connections and counts them.
func countDials(n *atomic.Int64) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		n.Add(1)
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
}

// insecure is a client that takes any certificate.
func insecure(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}
