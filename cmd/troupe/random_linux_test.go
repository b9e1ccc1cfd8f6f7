package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// randomSeed makes a failure come again.
const randomSeed = 20260805

const (
	randomWorkers = 32
	heldSessions  = 20
)

// TestRandomStreams sends the daemon a hundred thousand streams, most of them
// wrong, some cut short, half-closed or reset, while sessions beside them go on.
// None of these may end or bend another session, and nothing may stay behind.
func TestRandomStreams(t *testing.T) {
	total := 100_000
	if testing.Short() || raceEnabled {
		total = 10_000
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the seed was %d", randomSeed)
		}
	})
	// Each refused client is a line at info: not a hundred thousand of them.
	d := startPolicy(t, onePolicy, "TROUPE_LOG=info,proxy_server::proxy_handler=warn")
	echo := newEcho(t)
	d.scrape() // HTTP has been used once
	before := d.footprint()
	h := holdSessions(t, d.socks(), echo, heldSessions)

	a := &attack{proxy: d.socks(), upstream: echo.address}
	a.left.Store(int64(total))
	a.run(t)
	if t.Failed() {
		t.FailNow()
	}

	listener := d.socks()
	d.awaitFigure(float64(total+heldSessions), "proxy_connections_accepted_total", "listener", listener)
	d.awaitFigure(heldSessions, "proxy_active_connections", "listener", listener)
	d.checkBalance()
	during := d.footprint()
	// Each loop keeps a pipe for the next long message.
	pipes := 2 * runtime.NumCPU()
	await(t, "the descriptors are those of the held sessions", func() bool {
		during = d.footprint()
		return during.files >= before.files+2*heldSessions && during.files <= before.files+2*heldSessions+pipes
	})

	h.end(t)
	d.awaitFigure(0, "proxy_active_connections", "listener", listener)
	d.checkBalance()
	after := during
	await(t, fmt.Sprintf("all is given back: %+v before", before), func() bool {
		after = d.footprint()
		return after.files <= before.files+pipes && after.goroutines <= before.goroutines+5
	})
	t.Logf("%d streams; before %+v, with held sessions %+v, after %+v", total, before, during, after)
}

// checkBalance: each session is in one class, at every look.
func (d *daemon) checkBalance() {
	d.t.Helper()
	now := d.scrape()
	value := func(name string) float64 { return now.value(name, "listener", d.socks()) }
	completed, failed := value("proxy_connections_completed_total"), value("proxy_connections_failed_total")
	probed, active := value("proxy_connections_probed_total"), value("proxy_active_connections")
	if got := value("proxy_connections_accepted_total"); got != completed+failed+probed+active {
		d.t.Errorf("got %v accepted; want %v completed + %v failed + %v probed + %v active", got, completed, failed, probed, active)
	}
	if completed == 0 || failed == 0 || probed == 0 {
		d.t.Errorf("got %v completed, %v failed, %v probed; want some of each", completed, failed, probed)
	}
	if got := now.value("proxy_session_failures_total", "listener", d.socks(), "reason", "internal", "fault", "proxy"); got != 0 {
		d.t.Errorf("got %v sessions that failed by our own fault; want 0", got)
	}
}

// footprint is what the daemon holds of the system.
type footprint struct{ files, goroutines int }

func (d *daemon) footprint() footprint {
	d.t.Helper()
	goroutines := int(d.scrape().value("go_goroutines"))
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatalf("the daemon's descriptors: %v", err)
	}
	return footprint{len(files), goroutines}
}

// attack is the workers that send the streams.
type attack struct {
	proxy    string
	upstream netip.AddrPort
	left     atomic.Int64
}

func (a *attack) run(t *testing.T) {
	t.Helper()
	var workers sync.WaitGroup
	for w := range randomWorkers {
		workers.Go(func() {
			if err := a.work(w); err != nil {
				t.Errorf("worker %d: %v", w, err)
				a.left.Store(0) // the others need not go on
			}
		})
	}
	workers.Wait()
}

func (a *attack) work(worker int) error {
	r := rand.New(rand.NewPCG(randomSeed, uint64(worker)))
	s := newStreams(r, a.upstream)
	// Each worker has an address of its own: one has too few ports for all.
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(worker))}}
	for a.left.Add(-1) >= 0 {
		c, err := dialer.Dial("tcp", a.proxy)
		if err != nil {
			return err
		}
		stream := s.next()
		if err := send(c.(*net.TCPConn), stream, r.IntN(4)); err != nil {
			return fmt.Errorf("stream % x: %w", stream, err)
		}
	}
	return nil
}

// send sends a stream and leaves in one of several ways. The daemon may have
// hung up before: only to be left hanging is an error.
func send(c *net.TCPConn, stream []byte, manner int) error {
	defer c.Close()
	if _, err := c.Write(stream); err != nil {
		return benign(err)
	}
	switch manner {
	case 0:
		return c.SetLinger(0)
	case 1:
		if err := c.CloseWrite(); err != nil {
			return benign(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, c)
		return benign(err)
	}
	return nil
}

func benign(err error) error {
	for _, e := range []error{syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN} {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}
