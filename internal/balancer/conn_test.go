package balancer_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/internal/balancer"
	"github.com/troupe-proxy/troupe/internal/proxyproto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// pair is a connection on loopback, of which the one end is wrapped. refused has
// what was heard of it.
func pair(t *testing.T, within time.Duration) (client net.Conn, c *balancer.Conn, refused chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	must(t, err)
	server, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	refused = make(chan error, 2)
	return client, balancer.New(server, within, func(err error) { refused <- err }), refused
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestClient: the address is the header's, and the bytes are those behind it,
// however the two came.
func TestClient(t *testing.T) {
	big := proxyproto.Field{Type: 0xee, Value: bytes.Repeat([]byte{'x'}, 1000)}
	h := proxyproto.Header{Command: proxyproto.Proxy, Source: netip.MustParseAddrPort("[2001:db8::9]:4000"), Destination: netip.MustParseAddrPort("[2001:db8::1]:80")}
	v1, err := proxyproto.AppendV1(nil, h)
	must(t, err)
	v2, err := proxyproto.AppendV2(nil, h, big)
	must(t, err)
	local, err := proxyproto.AppendV2(nil, proxyproto.Header{Command: proxyproto.Local})
	must(t, err)
	for _, tt := range []struct {
		name   string
		header []byte
		want   string // empty: the peer
	}{
		{"version 1", v1, "[2001:db8::9]:4000"},
		{"version 2 with much in it", v2, "[2001:db8::9]:4000"},
		{"mapped", []byte("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 7 80\r\n"), "192.0.2.1:7"},
		{"local", local, ""},
	} {
		for _, whole := range []bool{true, false} {
			client, c, refused := pair(t, patience)
			go func() { // it ends with the client, at the latest
				all := append(bytes.Clone(tt.header), "GET / HTTP/1.1\r\n"...)
				for n := 0; n < len(all); {
					step := 1
					if whole {
						step = len(all)
					}
					_, _ = client.Write(all[n : n+step])
					n += step
				}
				_ = client.(*net.TCPConn).CloseWrite()
			}()
			want := tt.want
			if want == "" {
				want = client.LocalAddr().String()
			}
			if got := c.RemoteAddr().String(); got != want {
				t.Errorf("%s: got %s; want %s", tt.name, got, want)
			}
			if got, err := io.ReadAll(c); string(got) != "GET / HTTP/1.1\r\n" || err != nil {
				t.Errorf("%s: got %q, error %v; want what follows the header", tt.name, got, err)
			}
			if len(refused) > 0 {
				t.Errorf("%s: refused: %v", tt.name, <-refused)
			}
		}
	}
}

// TestRefused: without a good header the connection is closed, and whoever wants to
// know hears why; of a peer that says nothing there is nothing to hear.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		want       error
		silent     bool
	}{
		{name: "HTTP", said: "GET / HTTP/1.1\r\n", want: proxyproto.ErrSignature},
		{name: "UNKNOWN", said: "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n", want: balancer.ErrNobody},
		{name: "broken off", said: "PROXY TCP4 ", want: io.EOF},
		{name: "nothing", want: io.EOF, silent: true},
	} {
		client, c, refused := pair(t, patience)
		_, err := client.Write([]byte(tt.said))
		must(t, err)
		must(t, client.(*net.TCPConn).CloseWrite())
		if n, err := c.Read(make([]byte, 9)); n != 0 || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %d bytes, %v; want %v", tt.name, n, err, tt.want)
		}
		if got := len(refused); got != 1 && !tt.silent || got != 0 && tt.silent {
			t.Errorf("%s: heard of it %d times", tt.name, got)
		}
		must(t, client.SetReadDeadline(time.Now().Add(patience)))
		if _, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the client got %v; want the connection closed", tt.name, err)
		}
		if got := c.RemoteAddr().String(); got != client.LocalAddr().String() {
			t.Errorf("%s: got the client %s; want the peer", tt.name, got)
		}
	}
}

// TestTooSlow: half a header does not hold a connection for good.
func TestTooSlow(t *testing.T) {
	client, c, refused := pair(t, 10*time.Millisecond)
	_, err := client.Write([]byte("PROXY TCP4 "))
	must(t, err)
	if _, err := c.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v; want %v", err, os.ErrDeadlineExceeded)
	}
	if err := <-refused; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %v; want %v", err, os.ErrDeadlineExceeded)
	}
}
