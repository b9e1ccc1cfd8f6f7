package conformance

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func endCases() []testCase {
	return []testCase{
		{"finish/the reply arrives though the client's bytes were not read", finishUnread},
		{"finish/a long reply arrives whole", finishLong},
		{"finish/the client had closed before", finishAfterClose},
		{"finish/the client never closes", finishPatience},
		{"finish/the upstream is closed too", finishUpstream},
		{"abort/before start", abortBeforeStart},
		{"abort/in the handshake", abortHandshake},
		{"abort/while the client is ahead", abortAhead},
		{"abort/when dialled", abortDialled},
		{"abort/in the relay", abortRelay},
		{"abort/in the relay, both directions stalled", abortStalled},
		{"abort/while finishing", abortFinishing},
		{"abort/inside Notify", abortInsideNotify},
		{"abort/many at once", abortMany},
		{"panic/of the owner ends its session alone", ownerPanics},
	}
}

// finishUnread: a close with unread bytes would send a reset, which overtakes
// the reply.
func finishUnread(t *testing.T, first *rig) {
	r := first.patient()
	s := r.session()
	sent := sendLong(s.client, 16<<20, false) // more than sockets hold
	s.awaitPeek(16 << 10)
	s.Write([]byte("\x05\xff"))
	s.Finish()
	hear(t, s.client, "\x05\xff")
	hearEnd(t, s.client)
	if _, err := sent.wait(); err != nil {
		t.Errorf("send: got %v; want all taken and thrown away", err)
	}
	closeAll(s.client)
	s.wantEnd(transport.Closed, 0)
	s.wantTraffic(0, 0)
	r.finish()
}

func finishLong(t *testing.T, first *rig) {
	r := first.patient()
	s := r.session()
	reply := strings.Repeat("reply ", 1<<20)
	s.Write([]byte(reply))
	s.Finish()
	hear(t, s.client, reply)
	hearEnd(t, s.client)
	closeAll(s.client)
	s.wantEnd(transport.Closed, 0)
	r.finish()
}

func finishAfterClose(t *testing.T, r *rig) {
	s := r.session()
	hangUp(t, s.client)
	want[transport.ClientClosed](s)
	s.Write([]byte("bye"))
	s.Finish()
	s.wantEnd(transport.Closed, 0)
	hear(t, s.client, "bye")
	hearEnd(t, s.client)
	closeAll(s.client)
	r.finish()
}

// finishPatience: the session ends without the client's help.
func finishPatience(t *testing.T, r *rig) {
	s := r.session()
	s.Write([]byte("bye"))
	s.Finish()
	hear(t, s.client, "bye")
	hearEnd(t, s.client)
	s.wantEnd(transport.Closed, 0)
	closeAll(s.client)
	r.finish()
}

func finishUpstream(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	s.Finish()
	hearEnd(t, upstream)
	hearEnd(t, s.client)
	closeAll(s.client, upstream)
	s.wantEnd(transport.Closed, 0)
	r.finish()
}

// abortBeforeStart: nobody is there to hear of it, or comes later and hears.
func abortBeforeStart(t *testing.T, r *rig) {
	client := r.connect()
	r.accept().Abort()
	hearReset(t, client)
	closeAll(client)

	client = r.connect()
	c := r.accept()
	c.Abort()
	s := r.start(c, client, nil)
	s.wantEnd(transport.Closed, 0)
	closeAll(client)
	r.finish()
}

func abortHandshake(t *testing.T, r *rig) {
	s := r.session()
	say(t, s.client, "hello")
	s.awaitPeek(5)
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	hearReset(t, s.client)
	closeAll(s.client)
	r.finish()
}

// abortAhead: the reader that waits for room is told too.
func abortAhead(t *testing.T, r *rig) {
	s := r.session()
	sent := send(s.client, pattern(4<<20), false)
	s.awaitPeek(16 << 10)
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	if _, err := sent.wait(); err == nil {
		hearReset(t, s.client)
	}
	closeAll(s.client)
	r.finish()
}

func abortDialled(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	hearReset(t, s.client)
	hearReset(t, upstream)
	closeAll(s.client, upstream)
	r.finish()
}

func abortRelay(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, s.client, "x")
	hear(t, upstream, "x")
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	hearReset(t, s.client)
	hearReset(t, upstream)
	closeAll(s.client, upstream)
	r.finish()
}

// abortStalled: neither side reads, and both copiers wait in a write.
func abortStalled(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	const flood = 128 << 20 // more than sockets hold, where tcp_rmem(7) lets one grow to 32 MiB too
	up, down := sendLong(s.client, flood, false), sendLong(upstream, flood, false)
	eventually(t, "bytes move both ways", func() bool {
		return s.traffic.Up.Load() > 1<<20 && s.traffic.Down.Load() > 1<<20
	})
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	for _, sent := range []*sending{up, down} {
		if _, err := sent.wait(); err == nil {
			t.Error("send: got nil; want a reset")
		}
	}
	closeAll(s.client, upstream)
	r.finish()
}

func abortFinishing(t *testing.T, r *rig) {
	s := r.session()
	s.Write([]byte("bye"))
	s.Finish()
	hear(t, s.client, "bye")
	hearEnd(t, s.client)
	s.Abort()
	s.wantEnd(transport.Closed, 0)
	closeAll(s.client)
	r.finish()
}

func abortInsideNotify(t *testing.T, r *rig) {
	client := r.connect()
	c := r.accept()
	s := r.start(c, client, func(e transport.Event) {
		if _, ok := e.(transport.Readable); ok {
			c.Abort()
			c.Abort()
		}
	})
	say(t, client, "x")
	s.wantEnd(transport.Closed, 0)
	hearReset(t, client)
	closeAll(client)
	r.finish()
}

func abortMany(_ *testing.T, r *rig) {
	flood := pattern(1 << 20)
	for range 20 {
		s, upstream := r.relayed()
		sent := send(s.client, flood, false)
		var all sync.WaitGroup
		for range 4 {
			all.Go(s.Abort)
		}
		all.Wait()
		s.wantEnd(transport.Closed, 0)
		sent.wait()
		closeAll(s.client, upstream)
	}
	r.finish()
}

func ownerPanics(t *testing.T, r *rig) {
	other, upstream := r.relayed()
	cause := errors.New("a bug of the owner")
	client := r.connect()
	s := r.start(r.accept(), client, func(e transport.Event) {
		if _, ok := e.(transport.Readable); ok {
			panic(cause)
		}
	})
	say(t, client, "x")
	end := s.awaitEnd(t)
	if end.End != transport.Broken || !errors.Is(end.Err, transport.ErrInternal) || !errors.Is(end.Err, cause) {
		t.Errorf("end: got %s; want Broken by the panic", describe(end))
	}
	if end.Err != nil && !strings.Contains(end.Err.Error(), "ownerPanics") {
		t.Errorf("error: got %q; want a stack that names the culprit", end.Err)
	}
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{client}); !isReset(err) {
		t.Errorf("client: got %v; want a reset", err)
	}
	say(t, other.client, "still there?")
	hear(t, upstream, "still there?")
	other.part(upstream, 12, 0)
	closeAll(client)
	r.finish()
}
