package actors

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/internal/unixsocket"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Sockets are the listening sockets that a policy asks for, all of them open,
// with the policy itself. They belong to whoever opened them until Start has
// taken them.
type Sockets struct {
	listeners  []*openListener
	web        []*webSocket
	slots      *slots
	generation *generation
}

// openListener is a listener as a policy asks for it. It is never changed, but
// for the socket: a reload makes another one.
type openListener struct {
	asked   policy.Listener
	config  transport.ListenConfig // with the bound address
	socket  transport.Listener     // nil once a listener has it
	account *account
	limits  limits
	source  *tlsconf.Source // nil: clients speak in the clear
	halted  *halt           // it starts as drained; nil: it is to take clients
}

// Open opens every socket of the policy, or none: the error names the address
// that cannot be had, and the place in the policy that asks for it. It may wait
// for a name to resolve, so it is not called in an actor's turn. The policy is
// the sockets' from here on, also when Open fails: it is closed when nobody
// needs it any more.
func Open(ctx context.Context, c *Config, p *policy.Policy) (*Sockets, error) {
	if c.Sources == nil {
		c.Sources = source.NewTable(nil)
	}
	s := &Sockets{slots: newSlots(c.Slots), generation: c.newGeneration(p)}
	c.Metrics.transport.of(c.Network)
	err := s.open(ctx, c, p)
	if err != nil {
		s.Close()
		return nil, err
	}
	for _, o := range s.listeners {
		c.Metrics.certificates.list(c.Log(targetListener), o.config.Address.String(), o.source)
	}
	c.Metrics.groups.expect(p.Groups)
	for _, w := range s.web {
		c.Metrics.certificates.list(c.Log(targetHTTP), w.address(), w.source.Load())
	}
	c.knowSources(p)
	c.Metrics.sources.show(c.Sources, func() map[netip.Addr]float64 { return nil }) // nobody uses one yet
	return s, nil
}

func (s *Sockets) open(ctx context.Context, c *Config, p *policy.Policy) error {
	for i := range p.Listeners {
		l := &p.Listeners[i]
		o, err := c.openListener(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.At, err)
		}
		s.listeners = append(s.listeners, o)
	}
	for i := range p.HTTP {
		l := &p.HTTP[i]
		w, err := c.openHTTP(ctx, l, s.generation)
		if err != nil {
			return fmt.Errorf("%s: %w", l.At, err)
		}
		s.web = append(s.web, w)
	}
	// Only now, so that a policy that is refused leaves no series behind.
	for _, o := range s.listeners {
		if err := o.openAccount(c); err != nil {
			return fmt.Errorf("%s: %w", o.asked.At, err)
		}
	}
	return nil
}

// openAccount opens the books of a listener that is new.
func (o *openListener) openAccount(c *Config) (err error) {
	o.account, err = c.Metrics.open(o.config.Address.String(), o.asked.DestinationSeries, o.asked.DestinationIdle)
	if err == nil {
		o.account.queue.of(o.socket) // clients come from now on; the acceptor shows it next
	}
	return err
}

// openListener opens the socket of a listener.
func (c *Config) openListener(ctx context.Context, l *policy.Listener) (*openListener, error) {
	address, err := resolveListen(ctx, l.Listen)
	if err != nil {
		return nil, err
	}
	source, err := c.openTLS(l.UseTLS, listenerTLS(l))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	o, err := c.newOpenListener(l, address, source)
	if err != nil {
		return nil, err
	}
	if d := c.drainedBefore(l.Listen, address); d != nil {
		o.config.Address, o.halted = d.Address, newHalt(d.By)
		o.halted.settle()
		return o, nil
	}
	if bound, ok := c.Inherited.Bound(l.Listen); ok {
		o.config.Address = bound
	}
	socket, err := c.opener().Listen(o.config)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	o.socket, o.config.Address = socket, socket.Addr()
	return o, nil
}

// newOpenListener is what a policy asks for, in the terms of the transport and of
// the machine. The error is that of rules which make no sense together.
func (c *Config) newOpenListener(l *policy.Listener, address netip.AddrPort, source *tlsconf.Source) (*openListener, error) {
	set, err := rules.Compile(&l.Rules, c.Host)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	o := &openListener{
		asked:  *l,
		source: source,
		config: transport.ListenConfig{Address: address, KeepAlive: transport.KeepAlive{
			Enabled: l.KeepAlive.Enabled, Idle: l.KeepAlive.Time, Interval: l.KeepAlive.Interval, Count: l.KeepAlive.Retries,
		}, NoSplice: !l.UseSplice},
		limits: limits{
			step: l.Timeout, connect: l.ConnectTimeout, requireAuth: l.RequireAuth, auth: newAuthCache(l.AuthCache),
			relay: transport.RelayLimits(l.Relay),
			tls:   l.UseTLS, certified: l.UseTLS && l.TLSClientCA.IsSet(), rules: set, sources: c.Sources,
			forward: l.Forward,
			most:    l.Limits, rates: l.Bandwidth, failures: l.AuthFailures,
		},
	}
	if l.ProxyProtocol {
		o.limits.balancers = rules.NewClients(rules.ProxyProtocolFrom, l.ProxyProtocolFrom)
	}
	if source != nil {
		o.config.TLS, o.config.TLSLater, o.config.HandshakeTimeout = source.Config(), l.ProxyProtocol, l.Timeout
	}
	return o, nil
}

func listenerTLS(l *policy.Listener) tlsconf.Options {
	return tlsconf.Options{
		Hostname: l.Hostname, Certificate: l.TLSCertificate, PrivateKey: l.TLSPrivateKey, ClientCA: l.TLSClientCA,
	}
}

func httpTLS(l *policy.HTTPListener) tlsconf.Options {
	return tlsconf.Options{
		Hostname: l.Hostname, Certificate: l.TLSCertificate, PrivateKey: l.TLSPrivateKey, ClientCA: l.TLSClientCA,
		NextProtos: []string{"h2", "http/1.1"},
	}
}

// openHTTP opens the socket of an HTTP listener, to be served by a generation.
func (c *Config) openHTTP(ctx context.Context, l *policy.HTTPListener, g *generation) (*webSocket, error) {
	source, err := c.openTLS(l.UseTLS, httpTLS(l))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	socket, err := c.listenHTTP(ctx, l)
	if err != nil {
		return nil, err
	}
	w := newWebSocket(socket, source)
	w.manner.Store(c.newManner(l, w.address(), g))
	return w, nil
}

// listenHTTP opens a TCP or a Unix socket.
func (c *Config) listenHTTP(ctx context.Context, l *policy.HTTPListener) (webListener, error) {
	if path, ok := l.UnixSocket(); ok {
		socket, err := c.opener().listenUnix(path, socketPermission(l))
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
		}
		return socket, nil
	}
	address, err := resolveListen(ctx, l.Listen)
	if err != nil {
		return nil, err
	}
	if bound, ok := c.Inherited.Bound(l.Listen); ok {
		address = bound
	}
	socket, err := c.opener().listenTCP(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	return socket, nil
}

func socketPermission(l *policy.HTTPListener) unixsocket.Permission {
	return unixsocket.Permission{Mode: l.SocketMode, Group: l.SocketGroup}
}

// newManner is how an HTTP listener is served by a generation, of which the
// manner is a user.
func (c *Config) newManner(l *policy.HTTPListener, bound string, g *generation) *manner {
	g.join()
	asked := *l
	return &manner{asked: asked, generation: g, balancers: c.newBalancers(&asked, bound), build: func() *http.Server { return c.HTTP(g.policy, asked, bound) }}
}

// openTLS reads the certificate of a listener; nil: it serves no TLS.
func (c *Config) openTLS(use bool, o tlsconf.Options) (*tlsconf.Source, error) {
	if !use {
		return nil, nil
	}
	return tlsconf.Open(o, &c.Metrics.certificates.own)
}

// Close closes the sockets that nobody has taken. It may be called again.
func (s *Sockets) Close() {
	for _, o := range s.listeners {
		o.close()
	}
	for _, w := range s.web {
		w.close()
	}
	if s.generation != nil {
		s.generation.leave()
		s.generation = nil
	}
}

// close closes a socket that nobody has taken.
func (o *openListener) close() {
	if o.socket != nil {
		// Nothing was accepted on it: there is nobody to tell.
		_ = o.socket.Close()
		o.socket = nil
	}
}

// resolveListen reads host:port; a host name is resolved to its first address.
func resolveListen(ctx context.Context, listen string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddrPort(listen); err == nil {
		return a, nil
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen on %s: %w", listen, err)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen on %s: %w", listen, err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen on %s: %w", listen, err)
	}
	return netip.AddrPortFrom(addrs[0].Unmap(), uint16(number)), nil
}
