package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// destination is the i-th address of this host, of 16 million that all are it.
func destination(i int, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)}), port)
}

// open makes a session, as connect does, for any goroutine.
func open(proxy string, upstream netip.AddrPort) (c *net.TCPConn, err error) {
	dialled, err := net.DialTimeout("tcp", proxy, patience)
	if err != nil {
		return nil, err
	}
	c = dialled.(*net.TCPConn)
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.Write(append([]byte{5, 1, 0, 5, 1, 0}, wireAddress(upstream)...)); err != nil {
		return nil, err
	}
	answer := make([]byte, 2+10) // to an IPv4 address
	if _, err := io.ReadFull(c, answer); err != nil {
		return nil, err
	}
	if answer[1] != 0 || answer[3] != 0 {
		return nil, fmt.Errorf("the answers are % x; want that the connection was made", answer)
	}
	return c, nil
}

// everywhere is an echo on every address of this host.
func everywhere(t *testing.T) (port uint16) {
	t.Helper()
	return newEchoAt(t, "0.0.0.0:0").address.Port()
}

// TestManyDestinations reaches a hundred thousand addresses: each dial is counted,
// and the series stay as few as the policy says.
func TestManyDestinations(t *testing.T) {
	const most = 1000 // by default
	total := 100_000
	if testing.Short() || raceEnabled {
		total = 5_000
	}
	d := startPolicy(t, onePolicy, "TROUPE_LOG=info,proxy_server::proxy_handler=warn")
	port, proxy := everywhere(t), d.socks()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range 32 {
		workers.Go(func() {
			for i := int(next.Add(1)); i <= total; i = int(next.Add(1)) {
				c, err := open(proxy, destination(i, port))
				if err == nil {
					err = c.SetLinger(0) // its port must be free at once
					_ = c.Close()
				}
				if err != nil {
					t.Errorf("the %d. destination: %v", i, err)
					next.Store(int64(total))
				}
			}
		})
	}
	workers.Wait()
	d.awaitFigure(0, "proxy_active_connections", "listener", proxy)
	now := d.scrape()
	if got := now.value("proxy_dials_total", "listener", proxy, "result", "connected"); got != float64(total) {
		t.Errorf("got %v dials; want %d", got, total)
	}
	series, sum, other := 0, 0.0, 0.0
	for _, m := range now.families["proxy_outbound_connections_total"].GetMetric() {
		series, sum = series+1, sum+m.GetCounter().GetValue()
		for _, l := range m.GetLabel() {
			if l.GetValue() == "other" {
				other = m.GetCounter().GetValue()
			}
		}
	}
	if series > most+1 || sum != float64(total) || other < float64(total-2*most) {
		t.Errorf("got %d series with %v connections, %v of them other; want at most %d with %d", series, sum, other, most+1, total)
	}
	all := 0
	for _, f := range now.families {
		all += len(f.GetMetric())
	}
	t.Logf("%d series in all", all)
}
