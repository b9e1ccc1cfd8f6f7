//go:build linux

package transport

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// userTimeouts are the TCP_USER_TIMEOUT of both sockets of a session, in
// milliseconds.
func (s *reactorSession) userTimeouts(t *testing.T) (all [2]int) {
	t.Helper()
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	for side, fd := range s.conn.fd {
		v, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		if err != nil {
			t.Error(err)
		}
		all[side] = v
	}
	return all
}

// TestReactorUserTimeout: a long one is set once the session has lasted a while, as
// most never need it; a short one at once.
func TestReactorUserTimeout(t *testing.T) {
	r := newReactorRig(t, true)
	long, short := r.limited(&RelayLimits{Unacknowledged: 15 * time.Minute}), r.limited(&RelayLimits{Unacknowledged: 9 * time.Second})
	long.exchange(t, "in the relay")
	if got, want := short.userTimeouts(t), [2]int{9000, 9000}; got != want {
		t.Errorf("a short one: got %v; want %v at once", got, want)
	}
	r.onLoop(func() { r.loop.runNursery(r.loop.now() + youth) })
	if got, want := long.userTimeouts(t), [2]int{900_000, 900_000}; got != want {
		t.Errorf("a long one: got %v; want %v after a while", got, want)
	}
	long.part(t)
	short.part(t)
}

// TestReactorLimitsReuseTheTimer: a session has one entry in the heap, that of its
// handshake, which is gone with it.
func TestReactorLimitsReuseTheTimer(t *testing.T) {
	r := newReactorRig(t, true)
	s := r.limited(&RelayLimits{Idle: 2 * time.Hour, HalfClosed: time.Minute, Most: 3 * time.Hour})
	at := func() (all []moment) {
		r.onLoop(func() {
			for _, e := range r.loop.timers.heap {
				all = append(all, e.at)
			}
		})
		return all
	}
	before := at()
	s.exchange(t, "in the relay")
	hour := moment(time.Hour) + moment(time.Minute)
	if len(before) != 1 || before[0] > hour || len(at()) != 1 || at()[0] != before[0] {
		t.Errorf("entries: got %v, then %v; want the one of an hour", before, at())
	}
	if err := s.client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	soon, late := 2*moment(time.Minute), time.Now().Add(testPatience)
	for all := at(); len(all) != 1 || all[0] > soon; all = at() { // until the end of stream is passed on
		if time.Now().After(late) {
			t.Fatalf("entries: got %v; want one of a minute", all)
		}
	}
	s.conn.Abort()
	wait(t, s.ended, "the session ends")
	if all := at(); len(all) != 0 {
		t.Errorf("entries of no session: got %v", all)
	}
}
