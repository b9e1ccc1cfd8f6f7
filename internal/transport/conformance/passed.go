package conformance

import (
	"errors"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func passedCases() []testCase {
	return []testCase{
		{"serve/a socket that was passed on, none refused", servePassed},
		{"serve/closing a passed socket that nobody serves", closePassed},
	}
}

// pass is the rig's socket once more, as another process would have it.
func (r *rig) pass() transport.Listener {
	r.t.Helper()
	p, can := r.listener.(transport.Passer)
	n, too := r.net.(transport.Receiver)
	if !can || !too {
		r.finish()
		r.t.Skip("no descriptors are passed on here")
	}
	fd, err := p.Pass()
	if err != nil {
		r.t.Fatalf("pass: %v", err)
	}
	l, err := n.ListenOn(transport.ListenConfig{
		Address:   r.listener.Addr(),
		KeepAlive: transport.KeepAlive{Enabled: true, Idle: time.Minute, Interval: 10 * time.Second, Count: 3},
	}, fd)
	if err != nil {
		r.t.Fatalf("listen on a socket that was passed on: %v", err)
	}
	return l
}

// servePassed: both serve the one queue, then the first is closed as it serves.
func servePassed(t *testing.T, r *rig) {
	first, served := r.listener, r.serving
	second := r.pass()
	if second.Addr() != first.Addr() {
		t.Errorf("got address %v; want %v", second.Addr(), first.Addr())
	}
	for n := range 60 {
		switch n {
		case 20:
			r.listener = second
			r.serving = r.serve(r.acceptance())
		case 40:
			if err := first.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		r.echoes(r.connect())
	}
	served.wait(t)
	if !errors.Is(served.err, transport.ErrListenerDead) {
		t.Errorf("Serve of the first: got %v; want ErrListenerDead", served.err)
	}
	r.serving.cancel()
	r.serving.wait(t)
	waiting := r.connect()
	r.serving = r.serve(r.acceptance())
	r.echoes(waiting)
	r.finish()
}

// closePassed: what was received and never served leaves the queue alone.
func closePassed(t *testing.T, r *rig) {
	second := r.pass()
	if err := second.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	r.echoes(r.connect())
	if p := r.listener.(transport.Passer); p != nil {
		r.finishListener()
		if fd, err := p.Pass(); err == nil {
			t.Errorf("pass of a closed one: got descriptor %d; want an error", fd)
		}
	}
	fresh, err := r.net.Listen(transport.ListenConfig{Address: second.Addr()})
	if err != nil {
		t.Fatalf("the address is not free: %v", err)
	}
	r.listener = fresh
	r.serving = r.serve(r.acceptance())
	r.finish()
}
