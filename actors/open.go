package actors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Sockets are the listening sockets that a policy asks for, all of them open.
// They belong to whoever opened them until Start has taken them.
type Sockets struct {
	listeners []*openListener
	web       []*webSocket
	slots     *slots
}

type openListener struct {
	config  transport.ListenConfig
	socket  transport.Listener
	account *account
	limits  limits
	source  *tlsconf.Source // nil: clients speak in the clear
}

// ErrRules says that a listener has rules, which are read but not enforced yet.
var ErrRules = errors.New("allow_clients, allow_sources, allow_destinations, deny_destinations, allow_local_destinations, " +
	"source, require_source and resolve_names are not enforced by this version of Troupe: take them out, or decide in proxy_server_request")

// Open opens every socket of the policy, or none: the error names the address
// that cannot be had, and the place in the policy that asks for it. It may wait
// for a name to resolve, so it is not called in an actor's turn.
func Open(ctx context.Context, c *Config, p *policy.Policy) (*Sockets, error) {
	if c.Hooks == nil {
		c.Hooks = NewHooks(p.Hooks)
	}
	s := &Sockets{slots: newSlots(c.Slots)}
	for i := range p.Listeners {
		if err := s.openListener(ctx, c, &p.Listeners[i]); err != nil {
			s.Close()
			return nil, fmt.Errorf("%s: %w", p.Listeners[i].At, err)
		}
	}
	for i := range p.HTTP {
		if err := s.openHTTP(ctx, c, &p.HTTP[i]); err != nil {
			s.Close()
			return nil, fmt.Errorf("%s: %w", p.HTTP[i].At, err)
		}
	}
	// Only now, so that a policy that is refused leaves no series behind.
	for i, o := range s.listeners {
		l := &p.Listeners[i]
		a, err := c.Metrics.open(o.config.Address.String(), l.DestinationSeries, l.DestinationIdle)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("%s: %w", l.At, err)
		}
		o.account = a
	}
	s.listCertificates(c)
	return s, nil
}

func (s *Sockets) listCertificates(c *Config) {
	for _, o := range s.listeners {
		if o.source != nil {
			c.Metrics.certificates.add(c.Log(targetListener), o.config.Address.String(), o.source)
		}
	}
	for _, w := range s.web {
		if w.source != nil {
			c.Metrics.certificates.add(c.Log(targetHTTP), w.listener.Addr().String(), w.source)
		}
	}
}

func (s *Sockets) openListener(ctx context.Context, c *Config, l *policy.Listener) error {
	if !l.Rules.Empty() {
		// A rule that nobody enforces is worse than none.
		return fmt.Errorf("listen on %s: %w", l.Listen, ErrRules)
	}
	address, err := resolveListen(ctx, l.Listen)
	if err != nil {
		return err
	}
	config := transport.ListenConfig{Address: address, KeepAlive: transport.KeepAlive{
		Enabled: l.KeepAlive.Enabled, Idle: l.KeepAlive.Time, Interval: l.KeepAlive.Interval, Count: l.KeepAlive.Retries,
	}, NoSplice: !l.UseSplice}
	source, err := c.openTLS(l.UseTLS, tlsconf.Options{
		Hostname: l.Hostname, Certificate: l.TLSCertificate, PrivateKey: l.TLSPrivateKey, ClientCA: l.TLSClientCA,
	})
	if err != nil {
		return fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	if source != nil {
		config.TLS, config.HandshakeTimeout = source.Config(), l.Timeout
	}
	socket, err := c.Network.Listen(config)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	config.Address = socket.Addr()
	s.listeners = append(s.listeners, &openListener{
		config: config, socket: socket, source: source,
		limits: limits{step: l.Timeout, connect: l.ConnectTimeout, requireAuth: l.RequireAuth, auth: newAuthCache(l.AuthCache), tls: l.UseTLS},
	})
	return nil
}

func (s *Sockets) openHTTP(ctx context.Context, c *Config, l *policy.HTTPListener) error {
	address, err := resolveListen(ctx, l.Listen)
	if err != nil {
		return err
	}
	source, err := c.openTLS(l.UseTLS, tlsconf.Options{
		Hostname: l.Hostname, Certificate: l.TLSCertificate, PrivateKey: l.TLSPrivateKey, ClientCA: l.TLSClientCA,
		NextProtos: []string{"h2", "http/1.1"},
	})
	if err != nil {
		return fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	socket, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(address))
	if err != nil {
		return fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	s.web = append(s.web, &webSocket{
		listener: socket, source: source, build: func() *http.Server { return c.HTTP(*l, socket.Addr().String()) },
	})
	return nil
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
		if o.socket != nil {
			// Nothing was accepted on it: there is nobody to tell.
			_ = o.socket.Close()
			o.socket = nil
		}
	}
	for _, w := range s.web {
		_ = w.listener.Close()
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
