package conformance

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// stallCases are of a side that does not read while the other one is lost.
func stallCases() []testCase {
	return []testCase{
		{"stall/reset while the other side never reads", stalledForEver},
		{"stall/reset while the other side does not read, and then it does", stalledForAWhile},
		{"stall/reset after the other side's end of stream", stalledHalfClosed},
	}
}

// stalled is a session of which one side sends and the other does not read, so
// that all sockets between them are full.
type stalled struct {
	*session
	by           transport.Side // who sends
	dying, other peer
	flood        *flood

	received int // by other, as hearBack says
	same     bool
	failed   error
}

func (r *rig) stalled(by transport.Side) *stalled {
	r.t.Helper()
	s, upstream := r.relayed()
	dying, other := s.ends(by, upstream)
	narrow(r.t, dying)
	narrow(r.t, other)
	st := &stalled{session: s, by: by, dying: dying, other: other, flood: pour(dying)}
	st.awaitStall()
	return st
}

// awaitStall waits until nothing has moved for a while.
func (s *stalled) awaitStall() {
	s.rig.t.Helper()
	last, same := 0, 0
	eventually(s.rig.t, "the sender stalls", func() bool {
		if n := s.from(s.by); n != last {
			last, same = n, 0
		} else {
			same++
		}
		return last > 0 && same > 100
	})
}

// narrow has the kernel hold little on the test's side of a connection, so that
// what was sent has arrived.
func narrow(t *testing.T, c peer) {
	t.Helper()
	socket, ok := c.(*net.TCPConn)
	if !ok {
		socket = c.(*tlsPeer).socket.TCPConn
	}
	if err := socket.SetWriteBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if err := socket.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
}

// flood is a stream that is sent until that fails.
type flood struct {
	done  chan struct{}
	chunk []byte // sent over and over
	n     int
}

func pour(c peer) *flood {
	f := &flood{done: make(chan struct{}), chunk: pattern(64 << 10)}
	go f.run(c)
	return f
}

func (f *flood) run(c peer) {
	defer close(f.done)
	for {
		n, err := c.Write(f.chunk)
		f.n += n
		if err != nil {
			return
		}
	}
}

// hearBack reads all there is of the flood at its other end and how that ended;
// nil is an end of stream. same: it is how the flood begins.
func (f *flood) hearBack(c peer) (n int, same bool, err error) {
	chunk := make([]byte, len(f.chunk))
	same = true
	for err == nil {
		var got int
		got, err = io.ReadFull(c, chunk)
		n += got
		same = same && bytes.Equal(chunk[:got], f.chunk[:got])
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, same, err
}

// stalledForEver: the session ends and the side that lives on is reset, though
// what it was sent can never be delivered.
func stalledForEver(t *testing.T, r *rig) {
	var all []*stalled
	for _, by := range []transport.Side{transport.Client, transport.Upstream} {
		s := r.stalled(by)
		reset(t, s.dying)
		all = append(all, s)
	}
	for _, s := range all {
		s.wantEnd(transport.Reset, s.by)
		if n, same, err := s.flood.hearBack(s.other); !isReset(err) || !same {
			t.Errorf("received: got %d bytes, same %v, %v; want the beginning of what was sent, then a reset", n, same, err)
		}
		<-s.flood.done
		closeAll(s.other)
	}
	r.finish()
}

// stalledForAWhile: what had arrived before the reset is delivered to a side
// that reads again in time.
func stalledForAWhile(t *testing.T, first *rig) {
	r := first.patient()
	var all []*stalled
	for _, by := range []transport.Side{transport.Client, transport.Upstream} {
		s := r.stalled(by)
		reset(t, s.dying)
		<-s.flood.done
		all = append(all, s)
	}
	start := time.Now()
	eventually(t, "the reset was noticed", func() bool { return time.Since(start) > 1200*time.Millisecond })
	var reading sync.WaitGroup // at once: each has the same time left
	for _, s := range all {
		reading.Go(func() { s.received, s.same, s.failed = s.flood.hearBack(s.other) })
	}
	reading.Wait()
	for _, s := range all {
		if !isReset(s.failed) || !s.same {
			t.Errorf("received: got %d bytes, same %v, %v; want what was sent, then a reset", s.received, s.same, s.failed)
		}
		const unsent = 64 << 10 // in the dying side's own socket
		if s.received < s.flood.n-unsent {
			t.Errorf("received: got %d bytes; want at least %d", s.received, s.flood.n-unsent)
		}
		s.wantEnd(transport.Reset, s.by)
		if n := s.from(s.by); n != s.received {
			t.Errorf("bytes from the side that reset: got %d; want %d", n, s.received)
		}
		closeAll(s.other)
	}
	r.finish()
}

// stalledHalfClosed: the side that does not read has ended its own stream
// before, so that nothing but the sockets tells of the other's reset.
func stalledHalfClosed(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	narrow(t, s.client)
	narrow(t, upstream)
	hangUp(t, upstream)
	hearEnd(t, s.client)
	st := &stalled{session: s, by: transport.Client, dying: s.client, other: upstream, flood: pour(s.client)}
	st.awaitStall()
	reset(t, s.client)
	s.wantEnd(transport.Reset, transport.Client)
	<-st.flood.done
	closeAll(upstream)
	r.finish()
}
