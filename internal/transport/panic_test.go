package transport

import (
	"errors"
	"testing"
	"time"
)

// brokenStream panics where the reader waits, as a bug of ours would.
type brokenStream struct {
	stream
	closed chan struct{}
}

func (s *brokenStream) receive(int) (*buffer, error) { panic("a bug of ours") }
func (s *brokenStream) reset()                       { close(s.closed) }

// endOwner hears how its session ended.
type endOwner chan Ended

func (o endOwner) Notify(e Event) {
	if e, ok := e.(Ended); ok {
		o <- e
	}
}

// TestPanicEndsSession: a bug costs the session it shows in.
func TestPanicEndsSession(t *testing.T) {
	s := &brokenStream{closed: make(chan struct{})}
	c := &conn{client: s, clock: newClock()}
	o := make(endOwner, 1)
	c.Start(o)
	select {
	case e := <-o:
		if e.End != Broken || !errors.Is(e.Err, ErrInternal) {
			t.Errorf("end: got %+v; want Broken by ErrInternal", e)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("session did not end")
	}
	select {
	case <-s.closed:
	default:
		t.Error("the client's socket is open after Ended; want it closed")
	}
}
