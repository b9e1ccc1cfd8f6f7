package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// crowd is sessions of any Network whose upstreams send and whose clients do not
// read, as long as the test wants it so.
type crowd struct {
	t        *testing.T
	listener Listener
	accepted chan Conn
	total    Traffic
}

// crowdSession is one of them; its owner, too.
type crowdSession struct {
	conn             Conn
	traffic          Traffic
	dialed           chan error
	ended            chan Ended
	client, upstream *net.TCPConn

	chunk []byte        // sent over and over
	stop  chan struct{} // closed when the upstream shall end
	sent  chan int      // in all, once it has
}

func (s *crowdSession) Notify(e Event) {
	switch e := e.(type) {
	case Dialed:
		s.dialed <- e.Err
	case Ended:
		s.ended <- e
	}
}

func newCrowd(t *testing.T, n Network, splice bool) *crowd {
	t.Helper()
	l, err := n.Listen(ListenConfig{Address: netip.MustParseAddrPort("127.0.0.1:0"), NoSplice: !splice})
	if err != nil {
		t.Fatal(err)
	}
	r := &crowd{t: t, listener: l, accepted: make(chan Conn, 16)}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- l.Serve(ctx, Acceptance{
			Enter: func(context.Context) error { return nil }, Leave: func() {},
			Accepted: func(c Conn) { r.accepted <- c },
			HoldBack: func(error) {}, Shed: func(netip.AddrPort, error) {},
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		_ = l.Close()
	})
	return r
}

// relayed is a session in its relay, whose client has little room.
func (r *crowd) relayed() *crowdSession {
	t := r.t
	t.Helper()
	up, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	s := &crowdSession{dialed: make(chan error, 1), ended: make(chan Ended, 1), stop: make(chan struct{}), sent: make(chan int, 1),
		chunk: bytes.Repeat([]byte("0123456789abcdefghi"), 4001)}
	if s.client, err = net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(r.listener.Addr())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.client.Close() })
	_ = s.client.SetReadBuffer(256 << 10)
	s.conn = wait(t, r.accepted, "the client is accepted")
	s.conn.Start(s)
	s.conn.Dial(1, up.Addr().(*net.TCPAddr).AddrPort())
	if err := wait(t, s.dialed, "the upstream is dialled"); err != nil {
		t.Fatal(err)
	}
	if s.upstream, err = up.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.upstream.Close() })
	_ = s.upstream.SetWriteBuffer(64 << 10)
	s.conn.Relay(&s.traffic, &r.total, nil)
	return s
}

// pour sends until stop is closed, and ends the stream.
func (s *crowdSession) pour() {
	n := 0
	for {
		select {
		case <-s.stop:
			_ = s.upstream.CloseWrite()
			s.sent <- n
			return
		default:
		}
		got, err := s.upstream.Write(s.chunk)
		n += got
		if err != nil {
			s.sent <- n
			return
		}
	}
}

// drink reads to the end and compares all of it.
func (s *crowdSession) drink(t *testing.T) {
	t.Helper()
	chunk, n, same := make([]byte, len(s.chunk)), 0, true
	for {
		got, err := io.ReadFull(s.client, chunk)
		n += got
		same = same && bytes.Equal(chunk[:got], s.chunk[:got])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			t.Fatalf("received: %d bytes, %v; want all that was sent", n, err)
		}
	}
	if sent := wait(t, s.sent, "all is sent"); n != sent || !same {
		t.Errorf("received: got %d bytes, the same %v; want %d, as they were sent", n, same, sent)
	}
}

// calm waits until nothing has moved for a while in any session.
func (r *crowd) calm() {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(testPatience)
	last, same := uint64(0), 0
	for same < 40 || last == 0 {
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatal("never came true: all sessions have stalled")
		}
		if now := r.total.Down.Load(); now != last {
			last, same = now, 0
		} else {
			same++
		}
	}
}

// stalled is n sessions of which nothing moves any more.
func (r *crowd) stalled(n int) []*crowdSession {
	r.t.Helper()
	var all []*crowdSession
	for range n {
		s := r.relayed()
		go s.pour()
		all = append(all, s)
	}
	r.calm()
	return all
}

// recover has them read again, and ends them.
func (r *crowd) recover(all []*crowdSession) {
	r.t.Helper()
	for _, s := range all {
		close(s.stop)
	}
	for _, s := range all {
		s.drink(r.t)
		_ = s.client.CloseWrite()
		if e := wait(r.t, s.ended, "the session ends"); e.End != Fin {
			r.t.Errorf("end: got %+v; want Fin", e)
		}
	}
}

// brisk is a session that carries n bytes to a client that reads, while others
// have stalled.
func (r *crowd) brisk(n int) {
	t := r.t
	t.Helper()
	s := r.relayed()
	p := bytes.Repeat([]byte("beside the others "), n/18)
	sent := make(chan error, 1)
	go func() {
		_, err := s.upstream.Write(p)
		_ = s.upstream.CloseWrite()
		sent <- err
	}()
	got, err := io.ReadAll(s.client)
	if err != nil || !bytes.Equal(got, p) {
		t.Errorf("beside the others: got %d bytes, the same %v, %v; want all %d", len(got), bytes.Equal(got, p), err, len(p))
	}
	if err := wait(t, sent, "all is sent"); err != nil {
		t.Error(err)
	}
	_ = s.client.CloseWrite()
	wait(t, s.ended, "the session ends")
}
