package transport

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// relayStarter relays as soon as it is connected and hears the end.
type relayStarter struct {
	conn           *conn
	session, total Traffic
	ended          chan Ended
}

func (o *relayStarter) Notify(e Event) {
	switch e := e.(type) {
	case Dialed:
		o.conn.Relay(&o.session, &o.total, nil)
	case Ended:
		o.ended <- e
	}
}

// TestResetAfterHalfClose: a client that has ended its stream and then resets
// is noticed although nobody sends it anything. Unnoticed, such a session would
// stay until the owner's limit for half-closed ones.
func TestResetAfterHalfClose(t *testing.T) {
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	l, err := Goroutines().Listen(ListenConfig{Address: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, client := acceptOne(t, l)
	o := &relayStarter{conn: c, ended: make(chan Ended, 1)}
	c.Start(o)
	c.Dial(1, upstream.Addr().(*net.TCPAddr).AddrPort())
	server, err := upstream.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Fatal("read: got a byte; want the end of the stream")
	}
	if err := client.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-o.ended:
		if e.End != Reset || e.Side != Client {
			t.Errorf("end: got %+v; want Reset by the client", e)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("session did not end")
	}
}
