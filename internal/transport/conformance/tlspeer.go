package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// security is what both sides of TLS need: one certificate that signs itself
// serves as the server's, as a client's and as the authority of either.
type security struct {
	server, client *tls.Config
	timeout        time.Duration // of the handshake
}

func newSecurity(t *testing.T) *security {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "peer"},
		DNSNames:              []string{"peer"},
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	pair := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}
	return &security{
		server:  &tls.Config{Certificates: pair, ClientCAs: pool},
		client:  &tls.Config{Certificates: pair, RootCAs: pool, ServerName: "peer"},
		timeout: patience,
	}
}

// demanding is s with a server that demands a certificate of its clients.
func (s *security) demanding() *security {
	server := s.server.Clone()
	server.ClientAuth = tls.RequireAndVerifyClientCert
	return &security{server: server, client: s.client, timeout: s.timeout}
}

// over makes a client of TLS over a socket. The handshake is still to be made.
func (s *security) over(c *net.TCPConn) *tlsPeer {
	w := &watched{TCPConn: c}
	return &tlsPeer{Conn: tls.Client(w, s.client), socket: w}
}

// tlsPeer is a client that speaks TLS and closes as one should, unless told to
// reset.
type tlsPeer struct {
	*tls.Conn
	socket *watched
	abrupt bool
}

// watched is a socket that notes the end of its stream, which crypto/tls takes
// for close_notify.
type watched struct {
	*net.TCPConn
	ended  bool
	corked bool   // what is written waits for CloseWrite
	prefix string // goes ahead of what is written first, in one segment
	held   []byte
}

// Write implements net.Conn.
func (w *watched) Write(p []byte) (int, error) {
	if w.corked {
		w.held = append(w.held, p...)
		return len(p), nil
	}
	if w.prefix == "" {
		return w.TCPConn.Write(p)
	}
	both := append([]byte(w.prefix), p...)
	w.prefix = ""
	if _, err := w.TCPConn.Write(both); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite implements peer.
func (w *watched) CloseWrite() error {
	if w.corked {
		if _, err := w.TCPConn.Write(w.held); err != nil {
			return err
		}
	}
	return w.TCPConn.CloseWrite()
}

// SetWriteDeadline implements net.Conn: crypto/tls lets no byte follow its own end.
func (w *watched) SetWriteDeadline(time.Time) error { return nil }

// Read implements net.Conn.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.TCPConn.Read(p)
	w.ended = w.ended || err == io.EOF
	return n, err
}

// Read implements net.Conn: an end of stream is a close_notify or an error.
func (p *tlsPeer) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err == io.EOF && p.socket.ended {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// CloseWrite implements peer.
func (p *tlsPeer) CloseWrite() error {
	if err := p.Conn.CloseWrite(); err != nil {
		return err
	}
	return p.socket.CloseWrite()
}

// SetLinger implements peer: the close is to be a reset, with no words before it.
func (p *tlsPeer) SetLinger(seconds int) error {
	p.abrupt = true
	return p.socket.SetLinger(seconds)
}

// Close implements net.Conn.
func (p *tlsPeer) Close() error {
	if p.abrupt {
		return p.socket.Close()
	}
	return p.Conn.Close()
}

// shake makes the handshake of a session's client. It fails only where the
// session was aborted before.
func (s *session) shake(client *tlsPeer) {
	t := s.rig.t
	t.Helper()
	if err := client.Handshake(); err != nil {
		s.awaitEnd(t)
		return
	}
	want[transport.Secured](s)
}
