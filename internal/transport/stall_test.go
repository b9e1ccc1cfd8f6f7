package transport

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// scriptedStream is a socket that says what a test wants and otherwise waits
// until it is closed.
type scriptedStream struct {
	stream
	input   chan *buffer
	sendErr error         // of each send; nil: it waits
	gone    bool          // the peer has reset the connection
	backlog atomic.Int64  // what the peer did not acknowledge
	closed  chan struct{} // by reset or close
	once    sync.Once
}

func newScripted() *scriptedStream {
	return &scriptedStream{input: make(chan *buffer), closed: make(chan struct{})}
}

func (s *scriptedStream) receive(int) (*buffer, error) {
	select {
	case b := <-s.input:
		return b, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *scriptedStream) offer([]byte) (int, error) { return 0, s.sendErr }

func (s *scriptedStream) send([]byte) (int, error) {
	<-s.closed
	return 0, net.ErrClosed
}

func (s *scriptedStream) connected() bool                   { return !s.gone }
func (s *scriptedStream) hasError() bool                    { return false }
func (s *scriptedStream) awaitDisconnect() bool             { return false }
func (s *scriptedStream) boundUnacknowledged(time.Duration) {}
func (s *scriptedStream) unsent() int                       { return int(s.backlog.Load()) }
func (s *scriptedStream) reset()                            { s.once.Do(func() { close(s.closed) }) }

// relayScripted starts a relay and has the client send something.
func relayScripted(client, upstream *scriptedStream) endOwner {
	c := &conn{client: client, upstream: upstream, clock: newClock(), lastWords: lastWords}
	o := make(endOwner, 1)
	c.Start(o)
	c.Relay(&Traffic{}, &Traffic{}, nil)
	b := newBuffers(newBudget()).get(smallBuffer)
	b.n = 100
	client.input <- b
	return o
}

// TestSendFails: a send that fails for another reason than the peer ends the
// session too, though nothing ends the reading.
func TestSendFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, upstream := newScripted(), newScripted()
		upstream.sendErr = syscall.ENOBUFS
		o := relayScripted(client, upstream)
		select {
		case e := <-o:
			if want := (Ended{End: Reset, Side: Upstream}); e != want {
				t.Errorf("end: got %+v; want %+v", e, want)
			}
		case <-time.After(time.Minute):
			t.Error("session did not end")
			client.reset()
			upstream.reset()
		}
	})
}

// TestPatienceWithProgress: a peer that takes little at a time is given the
// time it needs, one that takes nothing is not.
func TestPatienceWithProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, upstream := newScripted(), newScripted()
		client.gone = true
		upstream.backlog.Store(100)
		o := relayScripted(client, upstream)
		for range 20 {
			select {
			case e := <-o:
				t.Fatalf("ended while the upstream was reading: %+v", e)
			case <-time.After(lastWords / 2):
				upstream.backlog.Add(-1)
			}
		}
		select {
		case e := <-o:
			if want := (Ended{End: Reset, Side: Client}); e != want {
				t.Errorf("end: got %+v; want %+v", e, want)
			}
		case <-time.After(time.Minute):
			t.Error("session did not end")
			client.reset()
			upstream.reset()
		}
	})
}
