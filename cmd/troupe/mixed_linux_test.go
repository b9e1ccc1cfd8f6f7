package main

import (
	"context"
	"errors"
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
	lasting := soakFor(t, 3*time.Second)
	d := startPolicy(t, onePolicy, "TROUPE_LOG=info,proxy_server::proxy_handler=warn")
	m := newMixed(t, d.socks(), mixedWorkers)
	m.run(t, time.Second) // all that is made once is there now
	d.awaitFigure(0, "proxy_active_connections", "listener", d.socks())
	before, heap := d.footprint(), d.collected()
	m.run(t, lasting)
	if t.Failed() {
		t.FailNow()
	}
	d.awaitFigure(0, "proxy_active_connections", "listener", d.socks())

	now := d.scrape()
	m.wantBytes(t, now)
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
	t.Logf("%v: %v; before %+v and %.1f MiB of heap, after %+v and %.1f MiB",
		lasting, m, before, heap/(1<<20), after, left/(1<<20))
	d.endWell()
}

// soakFor is how long a test goes on: as the environment says, or a short while.
func soakFor(t *testing.T, short time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv(soakTime)
	if text == "" {
		return short
	}
	lasting, err := time.ParseDuration(text)
	must(t, err)
	return lasting
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
	workers        int
	idle           time.Duration // up to so long each session is idle, if it is not 0
	shortages      bool          // descriptors run out: a CONNECT may be answered 01
	up, down       carried
	orderly, reset atomic.Int64
	short          atomic.Int64 // so answered
	round          uint64
}

// newMixed is so many clients of a proxy, and what they connect to.
func newMixed(t *testing.T, proxy string, workers int) *mixed {
	t.Helper()
	m := &mixed{proxy: proxy, workers: workers}
	for range 8 {
		m.hosts = append(m.hosts, newMixedHost(t))
	}
	return m
}

func (m *mixed) String() string {
	return fmt.Sprintf("%d orderly sessions and %d reset; up %d to %d bytes, down %d to %d", m.orderly.Load(), m.reset.Load(),
		m.up.least.Load(), m.up.most.Load(), m.down.least.Load(), m.down.most.Load())
}

// wantBytes fails the test where the daemon has not counted what the ends have.
func (m *mixed) wantBytes(t *testing.T, now figures) {
	t.Helper()
	for family, way := range map[string]*carried{"proxy_bytes_client_to_dest_total": &m.up, "proxy_bytes_dest_to_client_total": &m.down} {
		if got := uint64(now.value(family, "listener", m.proxy)); got < way.least.Load() || got > way.most.Load() {
			t.Errorf("%s: got %d; want %d to %d", family, got, way.least.Load(), way.most.Load())
		}
	}
}

// run lets the clients work for a while.
func (m *mixed) run(t *testing.T, lasting time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	m.round++
	var workers sync.WaitGroup
	for w := range m.workers {
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
	if m.idle > 0 {
		o.Pause = uint16(r.Int64N(m.idle.Milliseconds()))
	}
	c, err := m.open(worker, r, host.address)
	if no := replyCode(0); m.shortages && errors.As(err, &no) && no == 1 {
		m.short.Add(1)
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	seen := host.expect(&o)
	if err := c.SetDeadline(time.Now().Add(o.patience())); err != nil {
		return err
	}
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
