//go:build linux

package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFairness has a direction whose source is never empty and whose
// destination is never full. The sessions beside it go on all the same, and so
// does it.
func TestFairness(t *testing.T) {
	r := newReactorRig(t, true)
	s := r.relayed()
	hose := &reactorSession{ended: make(chan Ended, 1)}
	r.onLoop(func() { hose.conn = firehose(t, r, hose) })
	if hose.conn == nil {
		return
	}
	var before uint64
	for range 100 {
		s.exchange(t, "between the flood")
		now := hose.traffic.Down.Load()
		if now == before {
			t.Error("the flood stands still; want both to go on")
		}
		before = now
	}
	hose.conn.Abort()
	wait(t, hose.ended, "the flood ends")
	s.part(t)
}

// firehose is a session in its relay that carries from /dev/zero to /dev/null.
func firehose(t *testing.T, r *reactorRig, s *reactorSession) *epollConn {
	zero, err := unix.Open("/dev/zero", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return nil
	}
	null, err := unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return nil
	}
	c := newEpollConn(r.loop, r.listener, int32(null), r.listener.addr)
	c.fd[Upstream], c.owner, c.greeting = int32(zero), s, nil
	c.phase, c.session, c.total = relaying, &s.traffic, &r.total
	c.flow[Upstream].readable, c.flow[Upstream].pipe = true, r.loop.pipes.take(r.loop.tick)
	c.call()
	return c
}

// bulk sends n bytes from the upstream to the client and compares them.
func (s *reactorSession) bulk(t *testing.T, n int) {
	t.Helper()
	p := bytes.Repeat([]byte("0123456789abcde"), n/15+1)[:n]
	sent := make(chan error, 1)
	go func() {
		_, err := s.upstream.Write(p)
		sent <- err
	}()
	got := make([]byte, n)
	if _, err := io.ReadFull(s.client, got); err != nil || !bytes.Equal(got, p) {
		t.Fatalf("received: %v, equal %v; want all as it was sent", err, bytes.Equal(got, p))
	}
	if err := wait(t, sent, "all is sent"); err != nil {
		t.Fatal(err)
	}
}

// TestNoPipes: a burst for which no pipe can be had is copied, and not every
// read asks again.
func TestNoPipes(t *testing.T) {
	r := newReactorRig(t, true)
	asked := 0
	r.onLoop(func() {
		r.loop.pipes.open = func() (*pipe, error) { asked++; return nil, unix.EMFILE }
	})
	s := r.relayed()
	s.bulk(t, 8<<20)
	r.onLoop(func() {}) // what it has sent is counted by then
	if got, want := s.traffic.Down.Load(), uint64(8<<20); got != want {
		t.Errorf("bytes down: got %d; want %d", got, want)
	}
	s.part(t)
	r.onLoop(func() {
		if most := 2*8<<20/smallBuffer/pipesPause + 1; asked == 0 || asked > most {
			t.Errorf("pipes asked for: got %d; want 1 to %d", asked, most)
		}
	})
}

// TestPipesReturn: a burst borrows a pipe and gives it back, and the next one
// gets the same.
func TestPipesReturn(t *testing.T) {
	r := newReactorRig(t, true)
	opened := 0
	r.onLoop(func() {
		r.loop.pipes.open = func() (*pipe, error) { opened++; return openPipe() }
	})
	s := r.relayed()
	s.bulk(t, 8<<20)
	s.exchange(t, "calm")
	s.bulk(t, 8<<20)
	s.exchange(t, "calm")
	r.onLoop(func() {
		if p := &r.loop.pipes; opened != 1 || len(p.out) != 0 || len(p.spare) != 1 {
			t.Errorf("pipes: got %d opened, %d lent, %d spare; want 1, 0, 1", opened, len(p.out), len(p.spare))
		}
	})
	s.part(t)
}

// TestPipesAreTrimmed: many bursts at once leave many pipes. They stayed for the
// life of the loop.
func TestPipesAreTrimmed(t *testing.T) {
	r := newReactorRig(t, true)
	r.onLoop(func() {
		p := &r.loop.pipes
		lend := func(n int) {
			var lent []*pipe
			for range n {
				lent = append(lent, p.take(r.loop.tick))
			}
			for _, taken := range lent {
				p.give(taken)
			}
		}
		lend(10)
		for i, want := range []struct {
			needed, left int
			more         bool
		}{{4, 10, true}, {4, 5, true}, {0, 5, true}, {0, 1, false}, {0, 1, false}} {
			if more := p.trim(); more != want.more || len(p.spare) != want.left {
				t.Errorf("trim %d: got %d spare, %v; want %d, %v", i, len(p.spare), more, want.left, want.more)
			}
			lend(want.needed)
		}
	})
}

// TestStalledPipe: a client that does not read leaves bytes in a pipe. When the
// session ends nobody else gets that pipe.
func TestStalledPipe(t *testing.T) {
	r := newReactorRig(t, true)
	s := r.relayed()
	go func() { _, _ = s.upstream.Write(make([]byte, 256<<20)) }() // until the reset
	some := make([]byte, 1<<20)
	for aborted := false; !aborted; {
		blocked := false
		r.onLoop(func() {
			f := &s.conn.flow[Upstream]
			blocked = f.blocked
			if aborted = blocked && f.pipe != nil && f.pipe.held > 0; aborted {
				s.conn.Abort()
			}
		})
		if !blocked {
			runtime.Gosched()
		} else if _, err := io.ReadFull(s.client, some); err != nil && !aborted {
			t.Fatalf("stalled in the copy that begins a burst, and then: %v", err)
		}
	}
	wait(t, s.ended, "the session ends")
	r.onLoop(func() {
		if p := &r.loop.pipes; len(p.out) != 0 || len(p.spare) != 0 {
			t.Errorf("pipes: got %d lent, %d spare; want none", len(p.out), len(p.spare))
		}
	})
	next := r.relayed()
	next.bulk(t, 4<<20)
	next.part(t)
}

// TestRemainder: of what a client does not take, little is kept in memory, and
// nothing is lost or changes its order.
func TestRemainder(t *testing.T) {
	r := newReactorRig(t, true)
	s := r.relayed()
	p := bytes.Repeat([]byte("0123456789abcdefghi"), 1<<20)
	sent := make(chan error, 1)
	go func() {
		var err error
		for rest := p; len(rest) > 0 && err == nil; {
			n := min(40_000, len(rest)) // less than a gulp: not yet a burst
			_, err = s.upstream.Write(rest[:n])
			rest = rest[n:]
		}
		sent <- err
	}()
	for blocked := false; !blocked; runtime.Gosched() {
		r.onLoop(func() {
			f := &s.conn.flow[Upstream]
			blocked = f.blocked
			if len(f.rest) > smallBuffer {
				t.Errorf("bytes in memory: got %d; want at most %d", len(f.rest), smallBuffer)
			}
		})
	}
	got := make([]byte, len(p))
	if _, err := io.ReadFull(s.client, got); err != nil || !bytes.Equal(got, p) {
		t.Errorf("received: %v, equal %v; want all as it was sent", err, bytes.Equal(got, p))
	}
	if err := wait(t, sent, "all is sent"); err != nil {
		t.Error(err)
	}
	s.part(t)
}

// TestReactorPanic: a bug of the reactor costs the session it shows in; the
// loop and its other sessions live on.
func TestReactorPanic(t *testing.T) {
	r := newReactorRig(t, true)
	other := r.relayed()
	bugs := 1
	r.onLoop(func() {
		r.loop.pipes.spare = nil
		r.loop.pipes.open = func() (*pipe, error) {
			if bugs--; bugs == 0 {
				panic("a bug of ours")
			}
			return openPipe()
		}
	})
	s := r.relayed()
	go func() { _, _ = s.upstream.Write(make([]byte, 1<<20)) }() // until the reset
	e := wait(t, s.ended, "the session ends")
	if e.End != Broken || !errors.Is(e.Err, ErrInternal) || !strings.Contains(fmt.Sprint(e.Err), "carry") {
		t.Errorf("end: got %+v; want Broken by ErrInternal with a stack that names the culprit", e)
	}
	other.exchange(t, "still there")
	other.part(t)
}

// TestReactorResetAfterHalfClose: a client that has ended its stream and then
// resets is noticed although nobody sends it anything.
func TestReactorResetAfterHalfClose(t *testing.T) {
	r := newReactorRig(t, true)
	s := r.relayed()
	if err := s.client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.upstream.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("received: got %d bytes, %v; want the end of the stream", n, err)
	}
	if err := s.client.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Close(); err != nil {
		t.Fatal(err)
	}
	if e := wait(t, s.ended, "the session ends"); e.End != Reset || e.Side != Client {
		t.Errorf("end: got %+v; want Reset by the client", e)
	}
}
