//go:build linux

package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestIdleSessions: a session that relays nothing has its two sockets, and
// neither a goroutine nor a pipe nor a timer.
func TestIdleSessions(t *testing.T) {
	r := newReactorRig(t, true)
	r.relayed().exchange(t, "the runtime has opened what it needs")
	goroutines, descriptors := runtime.NumGoroutine(), countDescriptors(t)
	const n = 200
	var all []*reactorSession
	for range n {
		s := r.relayed()
		s.exchange(t, "x")
		all = append(all, s)
	}
	if got := runtime.NumGoroutine() - goroutines; got > 0 {
		t.Errorf("goroutines of %d idle sessions: got %d; want none", n, got)
	}
	// Each peer of a session has a socket of its own in this process. What an
	// earlier test has left may have been closed meanwhile.
	if got, want := countDescriptors(t)-descriptors, 4*n; got > want {
		t.Errorf("descriptors of %d idle sessions and their peers: got %d; want %d", n, got, want)
	}
	r.onLoop(func() {
		if got := len(r.loop.timers.heap); got != 0 {
			t.Errorf("timers of %d idle sessions: got %d; want none", n, got)
		}
	})
	if got, most := unsafe.Sizeof(epollConn{})+unsafe.Sizeof(targetEntry{}), uintptr(400); got > most {
		t.Errorf("memory of an idle session: got %d bytes; want at most %d", got, most)
	}
	for _, s := range all {
		s.part(t)
	}
}

// TestReactorSocketOptions looks at both sockets of a session that has lasted a
// while: until then the one it dialled needs no keepalive.
func TestReactorSocketOptions(t *testing.T) {
	r := newReactorRig(t, true)
	s := r.relayed()
	s.exchange(t, "in the relay")
	r.onLoop(func() { r.loop.runNursery(r.loop.now() + youth) })
	s.conn.mu.Lock()
	sockets := s.conn.fd
	s.conn.mu.Unlock()
	for _, o := range []struct {
		name             string
		level, opt, want int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 5},
	} {
		for side, fd := range sockets {
			if got, err := unix.GetsockoptInt(int(fd), o.level, o.opt); err != nil || got != o.want {
				t.Errorf("%s of side %d: got %d, %v; want %d", o.name, side, got, err, o.want)
			}
		}
	}
	s.part(t)
}

// TestReactorRefusesTLS: it would relay the records.
func TestReactorRefusesTLS(t *testing.T) {
	n, err := NewReactor(ReactorOptions{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.Listen(ListenConfig{Address: netip.MustParseAddrPort("127.0.0.1:0"), TLS: &tls.Config{}})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("listen with TLS: got %v; want it unsupported", err)
	}
}

func countDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// heard is a target that counts its events.
type heard int

func (h *heard) ready(uint8, uint32) { *h++ }

// TestStaleEvents: the number of a target that was dropped is given to the next
// one, but not the events that were on their way.
func TestStaleEvents(t *testing.T) {
	l := &loop{}
	var first, second heard
	index, generation := l.adopt(&first)
	stale := unix.EpollEvent{Events: unix.EPOLLIN, Fd: index, Pad: int32(generation << 8)}
	l.dispatch(&stale)
	l.forget(index)
	l.dispatch(&stale)
	again, generation := l.adopt(&second)
	if again != index {
		t.Fatalf("index: got %d; want %d, used again", again, index)
	}
	l.dispatch(&stale)
	fresh := stale
	fresh.Pad = int32(generation<<8 | 7) // whatever the role
	l.dispatch(&fresh)
	if first != 1 || second != 1 {
		t.Errorf("events: got %d and %d; want 1 for each", first, second)
	}
}

// TestChurn has sessions end and begin at once, so that descriptors and numbers
// are used again while events are on their way. Each hears only its own bytes.
func TestChurn(t *testing.T) {
	r := newReactorRig(t, true)
	steady := r.relayed()
	for i := range 150 {
		a, b := r.relayed(), r.relayed()
		a.exchange(t, fmt.Sprintf("session %d", i))
		go a.conn.Abort()
		b.exchange(t, fmt.Sprintf("other %d", i))
		if e := wait(t, a.ended, "the aborted session ends"); e.End != Closed {
			t.Errorf("end: got %+v; want Closed", e)
		}
		b.part(t)
		steady.exchange(t, "steady")
	}
	steady.part(t)
	r.onLoop(func() {
		if got := len(r.loop.targets); got > 8 {
			t.Errorf("entries for at most 3 sessions at a time: got %d; want them used again", got)
		}
	})
}

// TestTimerHeap: whatever is scheduled and removed, what is due comes out in
// order, and a later moment leaves an entry where it is.
func TestTimerHeap(t *testing.T) {
	var h timers
	conns := make([]epollConn, 200)
	x := uint32(1)
	for round := range 5 {
		for i := range conns {
			x = x*1664525 + 1013904223
			h.schedule(&conns[i], moment(x>>20+1))
			if x&3 == 0 {
				h.remove(&conns[(i*7+round)%len(conns)])
			}
		}
	}
	scheduled := len(h.heap)
	var last moment
	for n := range scheduled {
		next := h.next()
		c := h.due(next)
		if c == nil || next < last || c.timer != 0 {
			t.Fatalf("due %d of %d: got %v at %d after %d; want a session, in order", n, scheduled, c != nil, next, last)
		}
		last = next
	}
	if h.next() != 0 {
		t.Error("the heap is not empty; want it empty")
	}
	c := &conns[0]
	if !h.schedule(c, 10) || h.schedule(c, 20) || h.next() != 10 {
		t.Errorf("next: got %d; want 10, a deadline that moved away is found later", h.next())
	}
}
