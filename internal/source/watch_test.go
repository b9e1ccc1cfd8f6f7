package source

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// said is what a test has the system say.
type said struct {
	events chan error
	ended  chan struct{}
	drains int
}

func (s *said) await() error {
	select {
	case err := <-s.events:
		return err
	case <-s.ended:
		return errGone
	}
}

func (s *said) drain() {
	s.drains++
	for {
		select {
		case <-s.events:
		default:
			return
		}
	}
}

func (s *said) close() {
	select {
	case <-s.ended:
	default:
		close(s.ended)
	}
}

var errGone = errors.New("gone")

func newSaid() *said { return &said{events: make(chan error, 1000), ended: make(chan struct{})} }

// TestWatchGathers: an address that comes and goes a hundred times a second is told
// of twenty times at most.
func TestWatchGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, told := newSaid(), 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			watch(ctx, func() (notices, error) { return s, nil }, func() { told++ }, func(err error) { t.Errorf("lost: %v", err) })
		}()
		synctest.Wait()
		if told != 1 {
			t.Errorf("got told %d times at the start; want once", told)
		}
		for range 200 {
			s.events <- nil
			<-time.After(10 * time.Millisecond)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if told < 20 || told > 42 {
			t.Errorf("got told %d times in two seconds; want about 40", told)
		}
		before := told
		s.events <- nil
		<-time.After(time.Second)
		synctest.Wait()
		if told != before+1 {
			t.Errorf("got told %d times of one change; want once", told-before)
		}
		cancel()
		<-done
	})
}

// TestWatchLost: it is said once, who looks every second finds changes, and the
// watch begins anew.
func TestWatchLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told, lost, asked int
		s := newSaid()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		subscribe := func() (notices, error) {
			asked++
			if asked > 1 && asked < 6 {
				return nil, errGone
			}
			if asked == 6 {
				s = newSaid()
			}
			return s, nil
		}
		go func() {
			defer close(done)
			watch(ctx, subscribe, func() { told++ }, func(error) { lost++ })
		}()
		synctest.Wait()
		s.events <- errGone
		<-time.After(10 * time.Second)
		synctest.Wait()
		if lost != 1 || asked != 6 || told != 1+5+1 {
			t.Errorf("got lost %d times, asked %d times, told %d times; want 1, 6 and 7", lost, asked, told)
		}
		s.events <- nil
		<-time.After(time.Second)
		synctest.Wait()
		if told != 8 {
			t.Errorf("got told %d times; want it to go on", told)
		}
		cancel()
		<-done
	})
}
