package conformance

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func exhaustionCases() []testCase {
	return []testCase{
		{"exhaustion/no descriptor left", noDescriptors},
		{"exhaustion/cancelled meanwhile", noDescriptorsCancelled},
		{"exhaustion/HoldBack panics", holdBackPanics},
		{"exhaustion/Shed panics", shedPanics},
	}
}

// openDescriptors counts the descriptors of this process.
func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries) - 1 // that of the directory
}

// exhaust takes the process its last free descriptor, until the returned
// function is called. No descriptor that is open has a number beyond the limit then:
// one that is closed to be lent could not be opened again.
func exhaust(t *testing.T) (relieve func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	low := syscall.Rlimit{Cur: highestDescriptor(t) + 1, Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, f)
	}
	return func() {
		for _, f := range taken {
			_ = f.Close() // it may be closed already: nothing was written
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
	}
}

func highestDescriptor(t *testing.T) (highest uint64) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		n, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		highest = max(highest, n) // that of the directory is as good: it is free again, and taken
	}
	return highest
}

// gated restarts Serve so that it waits for a slot until gate is closed.
func (r *rig) gated() {
	r.serving.cancel()
	r.serving.wait(r.t)
	r.gate = make(chan struct{})
	r.serving = r.serve(r.acceptance())
}

func (r *rig) wantHoldBack() {
	r.t.Helper()
	select {
	case err := <-r.heldBack:
		if !errors.Is(err, syscall.EMFILE) {
			r.t.Errorf("held back: got %v; want EMFILE", err)
		}
	case <-time.After(patience):
		r.t.Fatal("nobody was told that accepting is held back")
	}
}

// noDescriptors: the session that is there goes on, a client that waits too
// long is sent away, and the next one is served when there are descriptors.
func noDescriptors(t *testing.T, r *rig) {
	old, upstream := r.relayed()
	r.gated()
	waiting := r.connect()
	relieve := exhaust(t)
	defer relieve()
	close(r.gate)
	r.wantHoldBack()
	say(t, old.client, "x")
	hear(t, upstream, "x")
	select {
	case got := <-r.shed:
		if want := waiting.LocalAddr().String(); got.String() != want {
			t.Errorf("shed: got %v; want %v", got, want)
		}
	case <-time.After(patience):
		t.Fatal("the waiting client was not shed")
	}
	hearEnd(t, waiting)
	for len(r.heldBack) > 0 { // told of before the shedding
		<-r.heldBack
	}
	r.wantHoldBack() // the descriptor is in reserve again
	closeAll(waiting)
	relieve()
	r.echoes(r.connect())
	old.part(upstream, 1, 0)
	r.finish()
}

// noDescriptorsCancelled: a client that is still waiting has lost nothing.
func noDescriptorsCancelled(t *testing.T, r *rig) {
	r.gated()
	waiting := r.connect()
	relieve := exhaust(t)
	defer relieve()
	close(r.gate)
	r.wantHoldBack()
	r.serving.cancel()
	r.serving.wait(t)
	if r.serving.err != nil {
		t.Errorf("Serve: got %v; want nil when cancelled", r.serving.err)
	}
	relieve()
	r.serving = r.serve(r.acceptance())
	r.echoes(waiting)
	r.finish()
}

// holdBackPanics: the client that waits has lost nothing.
func holdBackPanics(_ *testing.T, r *rig) {
	a := r.acceptance()
	a.HoldBack = func(error) { panic("out of order") }
	waiting := r.starve(a)
	r.serving = r.serve(r.acceptance())
	r.echoes(waiting)
	r.finish()
}

// shedPanics: the client that was being shed is gone, the next one is served.
func shedPanics(t *testing.T, r *rig) {
	a := r.acceptance()
	a.Shed = func(netip.AddrPort, error) { panic("out of order") }
	shed := r.starve(a)
	hearEnd(t, shed)
	closeAll(shed)
	r.serving = r.serve(r.acceptance())
	r.echoes(r.connect())
	r.finish()
}

// starve has a client wait without a descriptor for it until a function of a
// has panicked, which costs no slot. It returns the client.
func (r *rig) starve(a transport.Acceptance) peer {
	t := r.t
	t.Helper()
	r.serving.cancel()
	r.serving.wait(t)
	r.gate = make(chan struct{})
	failing := r.serve(a)
	waiting := r.connect()
	relieve := exhaust(t)
	defer relieve()
	close(r.gate)
	failing.wait(t)
	if failing.panicked != "out of order" {
		t.Errorf("panic out of Serve: got %v; want that of the function", failing.panicked)
	}
	r.wantSlots()
	return waiting
}
