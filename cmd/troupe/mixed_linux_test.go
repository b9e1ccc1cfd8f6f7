package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// soakTime is a variable of the environment: how long TestMixedSessions goes
	// on, as "10m".
	soakTime     = "TROUPE_SOAK"
	mixedWorkers = 64
	// registryGrowth is what the heap may grow by and stay so: protoactor's registry
	// of processes is 32,768 maps, each of which takes its first memory with the
	// first name in it and keeps it. That ends at about 13 MiB, in ten minutes as in
	// one.
	registryGrowth = 20 << 20
)

// TestMixedSessions carries sessions of every kind beside each other: short,
// idle and large ones, such as are reset or half-closed, and such as nobody
// reads. Each byte that arrives is compared; what the daemon has counted is what
// the ends of the orderly sessions have, and for a session that was reset no less
// than was received and no more than was sent. Then nothing is left.
func TestMixedSessions(t *testing.T) {
	lasting := 3 * time.Second
	if text := os.Getenv(soakTime); text != "" {
		var err error
		lasting, err = time.ParseDuration(text)
		must(t, err)
	}
	d := startPolicy(t, onePolicy, "TROUPE_LOG=info,proxy_server::proxy_handler=warn")
	var hosts []*mixedHost
	for range 8 {
		hosts = append(hosts, newMixedHost(t))
	}
	m := &mixed{proxy: d.socks(), hosts: hosts}
	m.run(t, time.Second) // all that is made once is there now
	d.awaitFigure(0, "proxy_active_connections", "listener", d.socks())
	before, heap := d.footprint(), d.collected()
	m.run(t, lasting)
	if t.Failed() {
		t.FailNow()
	}
	d.awaitFigure(0, "proxy_active_connections", "listener", d.socks())

	now := d.scrape()
	for _, way := range []struct {
		family        string
		least, most   uint64
		exactSessions int64
	}{
		{"proxy_bytes_client_to_dest_total", m.up.least.Load(), m.up.most.Load(), m.orderly.Load()},
		{"proxy_bytes_dest_to_client_total", m.down.least.Load(), m.down.most.Load(), m.orderly.Load()},
	} {
		if got := uint64(now.value(way.family, "listener", d.socks())); got < way.least || got > way.most {
			t.Errorf("%s: got %d; want %d to %d", way.family, got, way.least, way.most)
		}
	}
	if got, want := now.value("proxy_connections_accepted_total", "listener", d.socks()), float64(m.orderly.Load()+m.reset.Load()); got != want {
		t.Errorf("got %v sessions; want %v", got, want)
	}
	pipes := 2 * runtime.NumCPU() // each loop keeps one for the next long message
	after := before
	await(t, fmt.Sprintf("all is given back: %+v before", before), func() bool {
		after = d.footprint()
		return after.files <= before.files+pipes && after.goroutines <= before.goroutines+5
	})
	left := d.collected()
	if left > heap+registryGrowth {
		t.Errorf("the heap grew from %.0f to %.0f bytes; want it where it was", heap, left)
	}
	t.Logf("%v: %d orderly sessions and %d reset; up %d to %d bytes, down %d to %d; before %+v and %.1f MiB of heap, after %+v and %.1f MiB",
		lasting, m.orderly.Load(), m.reset.Load(), m.up.least.Load(), m.up.most.Load(), m.down.least.Load(), m.down.most.Load(),
		before, heap/(1<<20), after, left/(1<<20))
	d.endWell()
}

// collected is the heap in use after its garbage was collected: a look at the
// figures makes some, so that enough of them have it collected. The least of
// several such is what stays: who looks leaves something behind, too.
func (d *daemon) collected() float64 {
	d.t.Helper()
	least := math.Inf(1)
	look := func() (cycles uint64) {
		now := d.scrape()
		least = min(least, now.value("go_memstats_heap_inuse_bytes"))
		return now.families["go_gc_duration_seconds"].GetMetric()[0].GetSummary().GetSampleCount()
	}
	look()
	least = math.Inf(1) // it was before
	for end := look() + 4; look() < end; {
	}
	return least
}

// carried is how many bytes may have been carried.
type carried struct{ least, most atomic.Uint64 }

func (s *carried) add(least, most int) {
	s.least.Add(uint64(least))
	s.most.Add(uint64(most))
}

// mixed are the clients, and what they and the hosts have seen.
type mixed struct {
	proxy          string
	hosts          []*mixedHost
	up, down       carried
	orderly, reset atomic.Int64
	round          uint64
}

// run lets the clients work for a while.
func (m *mixed) run(t *testing.T, lasting time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	m.round++
	var workers sync.WaitGroup
	for w := range mixedWorkers {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(m.round, uint64(w)))
			for ctx.Err() == nil {
				if err := m.session(w, r); err != nil {
					t.Errorf("worker %d: %v", w, err)
					cancel()
				}
			}
		})
	}
	workers.Wait()
}

// session is one of a kind that chance chooses.
func (m *mixed) session(worker int, r *rand.Rand) error {
	o, host := drawOrder(r), m.hosts[r.IntN(len(m.hosts))]
	seen := host.expect(&o)
	c, err := m.open(worker, r, host.address)
	if err != nil {
		return err
	}
	defer c.Close()
	sent, received, err := o.carry(c)
	if err != nil {
		return fmt.Errorf("%v: sent %d, received %d: %w", o, sent, received, err)
	}
	var theirs hostSeen
	select {
	case theirs = <-seen:
	case <-time.After(patience):
		return fmt.Errorf("%v: the other end did not end", o)
	}
	if theirs.err != nil {
		return fmt.Errorf("%v: the other end: %w", o, theirs.err)
	}
	if o.resets() {
		m.reset.Add(1)
		m.up.add(theirs.received, sent)
		m.down.add(received, theirs.sent)
		return nil
	}
	m.orderly.Add(1)
	m.up.add(sent, sent)
	m.down.add(theirs.sent, theirs.sent)
	if theirs.received != sent || received != theirs.sent {
		return fmt.Errorf("%v: up %d sent, %d received; down %d sent, %d received", o, sent, theirs.received, theirs.sent, received)
	}
	return nil
}

// open makes a session, as KumoMTA does or without BIND.
func (m *mixed) open(worker int, r *rand.Rand, upstream netip.AddrPort) (*net.TCPConn, error) {
	// Each worker has an address of its own: one has too few ports for all.
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 2, byte(worker))}}
	conn, err := dialer.Dial("tcp", m.proxy)
	if err != nil {
		return nil, err
	}
	c := conn.(*net.TCPConn)
	steps := [][]byte{{5, 1, 0}}
	if r.IntN(2) == 0 {
		source := netip.AddrFrom4([4]byte{127, 0, 4, byte(1 + r.IntN(200))})
		steps = append(steps, append([]byte{5, 2, 0}, wireAddress(netip.AddrPortFrom(source, 0))...))
	}
	steps = append(steps, append([]byte{5, 1, 0}, wireAddress(upstream)...))
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	for i, step := range steps {
		if err := say(c, step, i > 0); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	return c, nil
}
