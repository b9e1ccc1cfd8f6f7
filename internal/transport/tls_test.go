package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"
)

// waiting is a reader that notes whether a buffer is held while it waits.
type waiting struct {
	io.Reader
	buffers *buffers
	lent    bool // since it was last looked at
	held    int  // how often
}

// renew gives the stream buffers of which none was lent.
func (w *waiting) renew(s *tlsStream) {
	w.buffers, w.lent = newBuffers(newBudget()), false
	for _, pool := range []*sync.Pool{&w.buffers.small, &w.buffers.large} {
		made := pool.New
		pool.New = func() any { w.lent = true; return made() }
	}
	s.buffers = w.buffers
}

// Read implements io.Reader.
func (w *waiting) Read(p []byte) (int, error) {
	if w.lent {
		w.held++
	}
	return w.Reader.Read(p)
}

// selfSigned is a certificate that signs itself.
func selfSigned(t *testing.T, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.NotAfter = time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestTLSHoldsNoBufferWhileItWaits: a hundred thousand idle sessions would pin
// gigabytes.
func TestTLSHoldsNoBufferWhileItWaits(t *testing.T) {
	near, st := connected(t)
	pair := selfSigned(t, &x509.Certificate{})
	s := newTLSStream(st, nil, &tls.Config{Certificates: []tls.Certificate{pair}}, netip.AddrPort{}, netip.AddrPort{})
	w := &waiting{Reader: s.wire.in}
	s.wire.in = w
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true})
	sent := make(chan error, 1)
	go func() {
		_, err := client.Write([]byte("hello"))
		sent <- err
	}()
	if err := s.handshake(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hello", "again"} {
		w.renew(s)
		b, err := s.receive(smallBuffer)
		if err != nil || string(b.bytes()) != want {
			t.Fatalf("received: got %v, %v; want %q in one piece", b, err, want)
		}
		b.free()
		if want == "hello" {
			if _, err := client.Write([]byte("again")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if w.held != 0 {
		t.Errorf("got a buffer held in %d waits; want it taken when something has come", w.held)
	}
}

// connected is a client's socket and the stream at the other end.
func connected(t *testing.T) (net.Conn, stream) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	st, err := newSockets(newBuffers(newBudget())).accepted(far)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = near.Close()
		st.close()
	})
	return near, st
}

func TestAlternativeName(t *testing.T) {
	spiffe := &url.URL{Scheme: "spiffe", Host: "example.com", Path: "/kumod"}
	for want, template := range map[string]*x509.Certificate{
		"kumod.example.com":          {DNSNames: []string{"kumod.example.com"}, URIs: []*url.URL{spiffe}},
		"spiffe://example.com/kumod": {URIs: []*url.URL{spiffe}},
		"kumod@example.com":          {EmailAddresses: []string{"kumod@example.com"}},
		"192.0.2.1":                  {IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}},
	} {
		if got := alternativeName(selfSigned(t, template).Leaf); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}
