package transport_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// relayOwner relays its session to upstream as soon as the client speaks.
type relayOwner struct {
	conn           transport.Conn
	upstream       netip.AddrPort
	session, total transport.Traffic
	ended          chan struct{}
}

func (o *relayOwner) Notify(e transport.Event) {
	switch e := e.(type) {
	case transport.Readable:
		o.conn.Dial(1, o.upstream)
	case transport.Dialed:
		if e.Err != nil {
			o.conn.Abort()
			return
		}
		o.conn.Relay(&o.session, &o.total, nil)
	case transport.Ended:
		close(o.ended)
	}
}

// echo sends back what the one client of l sends.
func echo(l net.Listener) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = io.Copy(c, struct{ io.Reader }{c})
}

// BenchmarkRelay is one round trip of a small message. It allocates nothing.
func BenchmarkRelay(b *testing.B) {
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer upstream.Close()
	go echo(upstream)

	l, err := transport.Goroutines().Listen(transport.ListenConfig{Address: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	o := &relayOwner{upstream: upstream.Addr().(*net.TCPAddr).AddrPort(), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- l.Serve(ctx, transport.Acceptance{
			Enter:    func(ctx context.Context) error { return ctx.Err() },
			Leave:    func() {},
			Accepted: func(c transport.Conn) { o.conn = c; c.Start(o) },
			HoldBack: func(error) {},
			Shed:     func(netip.AddrPort, error) {},
		})
	}()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 512)
	b.SetBytes(int64(2 * len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(client, p); err != nil {
			b.Fatal(err)
		}
	}
	client.Close()
	<-o.ended
	cancel()
	if err := <-served; err != nil {
		b.Error(err)
	}
}
