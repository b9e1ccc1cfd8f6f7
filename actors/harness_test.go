package actors

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/inherit"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// patience is how long anything here may take before the test gives up. No
// test asserts a time: what should happen is waited for.
const patience = 30 * time.Second

var errInjected = errors.New("injected fault")

// boom is a message that no actor knows; the tap panics on it.
type boom struct{}

// setup is what a test changes of the tree before it starts.
type setup struct {
	listeners []policy.Listener
	http      []policy.HTTPListener
	slots     int
	memory    Memory // nil: nobody looks
	resolver  egress.Resolver
	hooks     *Hooks
	host      rules.Host
	groups    *groups.Table
	log       *slog.Logger // nil: nobody reads it
	sessions  SessionObserver
	network   *wire
	inherited *inherit.Sockets
	tap       Tap // from the start
	banners   []uint16
	serveHTTP func(policy.HTTPListener, string) *http.Server
}

// tree is a running system on real sockets.
type tree struct {
	t       *testing.T
	sys     *System
	reg     prometheus.Gatherer
	metrics *Metrics
	slots   *slots
	net     *wire
	proxy   netip.AddrPort // the first listener
	web     netip.AddrPort // the first HTTP listener, if there is one
	tap     atomic.Pointer[Tap]
}

func anyListener() policy.Listener {
	return policy.Listener{
		Listen: "127.0.0.1:0", Timeout: time.Minute, ConnectTimeout: time.Minute, Banner: true,
		DestinationSeries: 100, DestinationIdle: time.Hour,
	}
}

func anyHTTP() policy.HTTPListener { return policy.HTTPListener{Listen: "127.0.0.1:0"} }

// startTree starts a tree with one listener, which the end of the test stops.
func startTree(t *testing.T, change ...func(*setup)) *tree {
	t.Helper()
	s := setup{listeners: []policy.Listener{anyListener()}, slots: 4096, resolver: noNames{}, host: anyHost(), network: newWire()}
	m := NewMetrics("test")
	tr := &tree{t: t, reg: m.Gatherer(), metrics: m}
	s.serveHTTP = func(policy.HTTPListener, string) *http.Server {
		return &http.Server{Handler: promhttp.HandlerFor(tr.reg, promhttp.HandlerOpts{})}
	}
	for _, f := range change {
		f(&s)
	}
	tr.net = s.network
	if s.tap != nil {
		tr.setTap(s.tap)
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	c := Config{
		Hooks: s.hooks, Host: s.host, Sessions: s.sessions, BannerPorts: s.banners,
		Network: s.network, Inherited: s.inherited, Resolver: s.resolver, Metrics: m, Slots: s.slots, Memory: s.memory,
		HTTP: func(_ *policy.Policy, l policy.HTTPListener, bound string) *http.Server { return s.serveHTTP(l, bound) },
		Log:  func(string) *slog.Logger { return s.log },
		Tap:  tr.tapped,
	}
	sockets, err := Open(t.Context(), &c, &policy.Policy{Listeners: s.listeners, HTTP: s.http, Groups: s.groups})
	if err != nil {
		t.Fatal(err)
	}
	tr.slots = sockets.slots
	if len(sockets.listeners) > 0 {
		tr.proxy = sockets.listeners[0].config.Address
	}
	if len(sockets.web) > 0 {
		tr.web = netip.MustParseAddrPort(sockets.web[0].listener.Addr().String())
	}
	if tr.sys, err = Start(c, sockets); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.stop)
	return tr
}

// stop ends the tree and waits until it is gone.
func (tr *tree) stop() {
	tr.t.Helper()
	tr.sys.Stop()
	await(tr.t, "the tree to stop", tr.sys.Stopped())
}

func (tr *tree) tapped(k Kind, m any) {
	if f := tr.tap.Load(); f != nil {
		(*f)(k, m)
	}
	if _, ok := m.(*boom); ok {
		panic(errInjected)
	}
}

// setTap makes every actor's messages pass f from now on.
func (tr *tree) setTap(f Tap) { tr.tap.Store(&f) }

// send gives a message to the actor of that name under the supervisor.
func (tr *tree) send(name string, m any) {
	tr.sys.actors.Root.Send(tr.pid(name), m)
}

func (tr *tree) pid(name string) *actor.PID {
	id := "supervisor"
	if name != "" {
		id += "/" + name
	}
	return tr.sys.actors.NewLocalPID(id)
}

func (tr *tree) listenerName() string { return "listener-" + tr.proxy.String() }

func (tr *tree) status() ListenerStatus { return tr.metrics.Ledger.Status()[0] }

// await waits for a channel to be closed or to yield.
func await[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case v := <-ch:
		return v
	case <-limit.C:
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually waits until cond is true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// wire is the transport of the daemon on real sockets, with places to break it.
type wire struct {
	transport.Network
	// conn, if set, replaces each accepted Conn.
	conn func(transport.Conn) transport.Conn
	// serve, if set, stands in for Serve; serving is the real one.
	serve func(ctx context.Context, a transport.Acceptance, socket transport.Listener) error

	mu    sync.Mutex
	conns map[netip.AddrPort]*connection // by client

	adopted atomic.Int64 // sockets
}

func newWire() *wire {
	network, err := transport.Choose("auto")
	if err != nil {
		panic(err)
	}
	return &wire{Network: network, conns: make(map[netip.AddrPort]*connection)}
}

// Listen implements transport.Network.
func (w *wire) Listen(c transport.ListenConfig) (transport.Listener, error) {
	l, err := w.Network.Listen(c)
	if err != nil {
		return nil, err
	}
	return &wireListener{Listener: l, wire: w}, nil
}

// ListenOn implements transport.Receiver.
func (w *wire) ListenOn(c transport.ListenConfig, fd int) (transport.Listener, error) {
	l, err := w.Network.(transport.Receiver).ListenOn(c, fd)
	if err != nil {
		return nil, err
	}
	return &wireListener{Listener: l, wire: w}, nil
}

type wireListener struct {
	transport.Listener
	wire *wire
}

// Serve implements transport.Listener.
func (l *wireListener) Serve(ctx context.Context, a transport.Acceptance) error {
	a = l.watched(a)
	if l.wire.serve != nil {
		return l.wire.serve(ctx, a, l.Listener)
	}
	return l.Listener.Serve(ctx, a)
}

// watched knows which actor has which client.
func (l *wireListener) watched(a transport.Acceptance) transport.Acceptance {
	accepted := a.Accepted
	a.Accepted = func(c transport.Conn) {
		if l.wire.conn != nil {
			c = l.wire.conn(c)
		}
		accepted(&wireConn{Conn: c, wire: l.wire})
	}
	return a
}

// wireConn remembers which actor has which client.
type wireConn struct {
	transport.Conn
	wire *wire
}

// Start implements transport.Conn.
func (c *wireConn) Start(owner transport.Owner) {
	c.wire.mu.Lock()
	c.wire.conns[c.Client()] = owner.(*connection)
	c.wire.mu.Unlock()
	c.Conn.Start(owner)
}

// connectionOf is the actor that serves a client.
func (tr *tree) connectionOf(c *client) *actor.PID {
	tr.t.Helper()
	var pid *actor.PID
	me := netip.MustParseAddrPort(c.LocalAddr().String())
	eventually(tr.t, "the client's actor", func() bool {
		tr.net.mu.Lock()
		defer tr.net.mu.Unlock()
		if found := tr.net.conns[me]; found != nil {
			pid = found.self
		}
		return pid != nil
	})
	return pid
}

// noNames is a resolver that nobody should ask.
type noNames struct{}

// LookupNetIP implements egress.Resolver.
func (noNames) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("no name should be looked up")
}
