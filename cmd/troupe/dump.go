package main

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/logging"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/web"
)

// dump prints what the flags ask for in place of serving. False: they ask for
// nothing.
func (f *flags) dump(p process) (asked bool, err error) {
	switch {
	case f.dumpOpenAPI:
		text, err := web.OpenAPI(version)
		if err == nil {
			_, err = p.stdout.Write(text)
		}
		return true, err
	case f.dumpMetrics:
		return true, dumpMetrics(f, p)
	}
	return false, nil
}

// everyFigure is a policy under which each family of metrics has a series.
const everyFigure = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_server_auth_rfc1929', function() return true end)
kumo.on('proxy_init', function()
  kumo.time.start_timer('example'):done()
  kumo.memoize(function(x) return x end, { name = 'example', ttl = '1m', capacity = 1 })(1)
  proxy.set_destination_groups { example = { '192.0.2.0/24' } }
  proxy.start_proxy_listener { listen = '127.0.0.1:1080', use_tls = true, allow_sources = { '192.0.2.1' } }
end)
`

// dumpMetrics prints what there is to know of every family before it has a
// figure. The books of a listener are opened for that, and no socket is.
func dumpMetrics(f *flags, p process) error {
	logs, err := logging.New(logging.Options{Writer: io.Discard})
	if err != nil {
		return err
	}
	metrics := actors.NewMetrics(version)
	s := &service{network: noNetwork{}, logs: logs, metrics: metrics, log: logs.Logger(targetMain), source: newSource(f, p, logs, metrics)}
	defer s.source.close()
	example, err := policy.LoadSource(context.Background(), "(every figure)", []byte(everyFigure), s.source.options)
	if err != nil {
		return err
	}
	// A call of a handler, for the figures of calls.
	if _, err := example.Hooks.Authenticate(context.Background(), "example", "", policy.ConnMeta{}); err != nil {
		example.Close()
		return err
	}
	host, err := rules.NewHosts(rules.ReadHost, s.hostUnread)
	if err != nil {
		example.Close()
		return err
	}
	config := s.config(host)
	sockets, err := actors.Open(context.Background(), &config, example)
	if err != nil {
		return err
	}
	defer sockets.Close()
	metrics.Policy.Serve("", false, time.Now())
	text, err := web.MetricMetadata(metrics.Gatherer())
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(text)
	return err
}

// noNetwork opens listeners that are none.
type noNetwork struct{}

// Listen implements transport.Network.
func (noNetwork) Listen(c transport.ListenConfig) (transport.Listener, error) {
	return noListener{c.Address}, nil
}

// Alive implements transport.Network.
func (noNetwork) Alive(context.Context) error { return nil }

// Figures implements transport.Network: it has a loop, for its figures.
func (noNetwork) Figures() transport.Figures {
	return transport.Figures{Loops: make([]transport.LoopFigures, 1)}
}

type noListener struct{ address netip.AddrPort }

// Addr implements transport.Listener.
func (l noListener) Addr() netip.AddrPort { return l.address }

// Serve implements transport.Listener: nobody comes.
func (noListener) Serve(context.Context, transport.Acceptance) error {
	return errors.Join(transport.ErrListenerDead, errors.ErrUnsupported)
}

// Queue is what listeners on Linux can tell, for its figures.
func (noListener) Queue() (waiting, limit uint32, err error) { return 0, 0, nil }

// Close implements transport.Listener.
func (noListener) Close() error { return nil }
