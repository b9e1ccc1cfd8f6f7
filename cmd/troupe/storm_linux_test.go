package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// stormAnswer is within what time a client for whom there is no room is to know.
const stormAnswer = 2 * time.Second

// TestStorm: very many clients come at once to a listener whose limit is reached.
// Each connects and is closed, none is refused; those inside go on. With
// $TROUPE_SOAK set it is a storm of full size, on a machine that has time, and the
// answers have to come when they should.
func TestStorm(t *testing.T) {
	inside, storm := 100, 800
	if os.Getenv(soakTime) != "" {
		inside, storm = 1000, 8000
	} else {
		t.Parallel()
	}
	d := startPolicy(t, fmt.Sprintf(`local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', limits = { connections = %d } }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)`, inside))
	echo := newEcho(t)
	var all []net.Conn
	for range inside {
		c, _ := connect(t, d.socks(), echo.address)
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		must(t, c.SetDeadline(time.Time{}))
		all = append(all, c)
	}
	calm := startPings(all[:20])
	quiet := calm.during(func() { await(t, "round trips", func() bool { return calm.count() > 5000 }) })
	var heard answers
	loud := startPings(all[:20]).during(func() { startCrowd(t, "storm", d.socks(), storm, 0).hear(&heard, 2*patience) })
	must(t, errors.Join(quiet.err, loud.err))
	t.Logf("%d inside, %d more: answered after %v at the median, %v at most; %d round trips inside at the 99th percentile %v before and %v meanwhile, ratio %.2f",
		inside, storm, heard.Median, heard.Most, len(loud.took), percentile(quiet.took, 99), percentile(loud.took, 99),
		float64(percentile(loud.took, 99))/float64(percentile(quiet.took, 99)))
	if os.Getenv(soakTime) != "" && heard.Most > stormAnswer {
		t.Errorf("a client was answered after %v; want at most %v", heard.Most, stormAnswer)
	}
	d.awaitFigure(float64(storm), "proxy_session_failures_total", "listener", d.socks(), "reason", "limit_connections", "fault", "policy")
	for _, c := range all {
		exchange(t, c, "echo", []byte("still"), []byte("still"))
		must(t, c.Close())
	}
	d.endWell()
}

// pings are round trips over sessions, one after the other on each.
type pings struct {
	stop chan struct{}
	runs sync.WaitGroup
	mu   sync.Mutex
	took []time.Duration
	err  error
}

func startPings(conns []net.Conn) *pings {
	p := &pings{stop: make(chan struct{})}
	for _, c := range conns {
		p.runs.Go(func() { p.run(c) })
	}
	return p
}

func (p *pings) run(c net.Conn) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	b := make([]byte, 4)
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
		began := time.Now()
		_, err := c.Write([]byte("ping"))
		if err == nil {
			_, err = io.ReadFull(c, b)
		}
		p.mu.Lock()
		p.took, p.err = append(p.took, time.Since(began)), errors.Join(p.err, err)
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *pings) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.took)
}

// during pings for as long as f runs.
func (p *pings) during(f func()) *pings {
	f()
	close(p.stop)
	p.runs.Wait()
	return p
}
