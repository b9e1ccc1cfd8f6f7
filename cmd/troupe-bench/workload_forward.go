package main

import (
	"context"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

// forwardWorkload is that of sessions by the other door: a PROXY header in place of
// the SOCKS handshake.
func forwardWorkload() workload {
	w := sessionsWorkload("forward", "the same by a PROXY header in place of SOCKS, as other MTAs do it", false)
	w.family, w.forward, w.run = "", true, runForward
	return w
}

func runForward(ctx context.Context, p *subject, s *sizes) (outcome, error) {
	if p.forward == "" {
		return outcome{}, errNotMeant
	}
	k, err := newSink(echoOnce)
	if err != nil {
		return outcome{}, err
	}
	defer k.close()
	return billSessions(ctx, p, s, k, func(ctx context.Context) error { return forwardEchoClose(ctx, p, k.addr()) })
}

// forwardEchoClose has upstream dialled from the address that it is reached from.
// There is no answer to wait for, so what is echoed follows at once.
func forwardEchoClose(ctx context.Context, p *subject, upstream netip.AddrPort) error {
	header, err := proxyproto.AppendV2(nil, proxyproto.Header{
		Command: proxyproto.Proxy, Source: netip.AddrPortFrom(upstream.Addr(), 0), Destination: upstream,
	})
	if err != nil {
		return err
	}
	s, err := dial(ctx, p.forward)
	if err != nil {
		return err
	}
	watchdog := time.AfterFunc(handshakeTime, s.giveUp)
	defer watchdog.Stop()
	if _, err = s.Write(header); err == nil {
		err = trip(s)
	}
	return s.finish(err)
}
