package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"strings"
	"testing"
	"time"
)

// shake makes a handshake with a source and gives what the client saw and what
// each side says of it.
func shake(t *testing.T, s *Source, client *tls.Config) (state tls.ConnectionState, clientErr, serverErr error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	deadline := time.Now().Add(20 * time.Second)
	must(t, near.SetDeadline(deadline))
	must(t, far.SetDeadline(deadline))
	served := make(chan error, 1)
	go func() { served <- serveOne(far, s) }()
	c := tls.Client(near, client)
	clientErr = c.Handshake()
	if clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1)) // TLS 1.3: the client hears only now that it was refused
	}
	return c.ConnectionState(), clientErr, <-served
}

// serveOne is the listener's side of shake: a handshake and one byte.
func serveOne(far net.Conn, s *Source) error {
	defer far.Close()
	c := tls.Server(far, s.Config())
	if err := c.Handshake(); err != nil {
		return err
	}
	_, err := c.Write([]byte("."))
	return err
}

// mustServe gives the certificate that a client is shown.
func mustServe(t *testing.T, s *Source) *x509.Certificate {
	t.Helper()
	state, clientErr, serverErr := shake(t, s, &tls.Config{InsecureSkipVerify: true})
	if clientErr != nil || serverErr != nil {
		t.Fatalf("handshake: client %v, server %v; want none", clientErr, serverErr)
	}
	return state.PeerCertificates[0]
}

func mustOpen(t *testing.T, o Options) *Source {
	t.Helper()
	s, err := Open(o, &SelfSigned{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServesWhatTheSourcesHold(t *testing.T) {
	ca := mustSign(t, "ca", nil, nil)
	leaf := mustSign(t, "proxy.example.com", ca, nil)
	rsaCertificate, rsaKey := mustPKCS1(t)
	dir := t.TempDir()
	both := mustWrite(t, dir, "both.pem", leaf.key+leaf.certificate+ca.certificate)
	for name, o := range map[string]Options{
		"files": {
			Certificate: File(mustWrite(t, dir, "cert.pem", leaf.certificate)),
			PrivateKey:  File(mustWrite(t, dir, "key.pem", leaf.key)),
		},
		"key_data":              {Certificate: Inline(leaf.certificate), PrivateKey: Inline(leaf.key)},
		"one file for both":     {Certificate: File(both), PrivateKey: File(both)},
		"text around the block": {Certificate: Inline("Subject: x\n" + leaf.certificate), PrivateKey: Inline("# note\n" + leaf.key)},
		"SEC 1":                 {Certificate: Inline(leaf.certificate), PrivateKey: Inline(leaf.mustSEC1(t))},
		"PKCS #1":               {Certificate: Inline(rsaCertificate), PrivateKey: Inline(rsaKey)},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, o)
			got := mustServe(t, s)
			if want := "proxy.example.com"; name != "PKCS #1" && got.DNSNames[0] != want {
				t.Errorf("got a certificate for %v; want %s", got.DNSNames, want)
			}
			if !s.NotAfter().Equal(got.NotAfter) {
				t.Errorf("NotAfter: got %v; want that of the certificate served, %v", s.NotAfter(), got.NotAfter)
			}
		})
	}
}

func TestSelfSigned(t *testing.T) {
	own := &SelfSigned{}
	for _, hostname := range []string{"proxy.example.com", "192.0.2.1", "2001:db8::1", strings.Repeat("a.", 60) + "example.com"} {
		s, err := Open(Options{Hostname: hostname}, own)
		if err != nil {
			t.Fatal(err)
		}
		got := mustServe(t, s)
		if err := got.VerifyHostname(hostname); err != nil {
			t.Errorf("the certificate for %s: %v", hostname, err)
		}
		if days := time.Until(got.NotAfter).Hours() / 24; days < 364 || days > 368 {
			t.Errorf("got a certificate for %.0f days; want about a year", days)
		}
		again, err := Open(Options{Hostname: hostname}, own)
		if err != nil {
			t.Fatal(err)
		}
		if !mustServe(t, again).Equal(got) {
			t.Errorf("got another certificate for %s; want the same as before", hostname)
		}
		if err := s.Reload(); err != nil || !mustServe(t, s).Equal(got) {
			t.Errorf("got another certificate for %s or error %v after a reload; want the same as before", hostname, err)
		}
	}
	a, b := mustServe(t, mustOpen(t, Options{Hostname: "x"})), mustServe(t, mustOpen(t, Options{Hostname: "x"}))
	if a.SerialNumber.Cmp(b.SerialNumber) == 0 {
		t.Errorf("got serial number %v twice; want random ones", a.SerialNumber)
	}
}

// secret is in every source of TestRefused. No message may have it.
const secret = "hunter2"

func TestRefused(t *testing.T) {
	ca := mustSign(t, "ca", nil, nil)
	leaf, other := mustSign(t, "a", ca, nil), mustSign(t, "b", ca, nil)
	locked := encode("ENCRYPTED PRIVATE KEY", []byte(secret))
	oldLocked := strings.Replace(leaf.mustSEC1(t), "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)
	missing := File(t.TempDir() + "/none.pem")
	cert, key := Inline(leaf.certificate+secret), Inline(leaf.key+secret)
	for name, tt := range map[string]struct {
		o     Options
		err   error
		names string
	}{
		"no key":              {Options{Certificate: cert}, ErrNoPrivateKey, "certificate from key_data"},
		"no certificate":      {Options{PrivateKey: key}, ErrNoCertificate, "private key from key_data"},
		"mismatch":            {Options{Certificate: cert, PrivateKey: Inline(other.key + secret)}, ErrMismatch, "key_data"},
		"no certificate file": {Options{Certificate: missing, PrivateKey: key}, fs.ErrNotExist, "certificates from file '" + missing.file + "'"},
		"no key file":         {Options{Certificate: cert, PrivateKey: missing}, fs.ErrNotExist, "private key from file '" + missing.file + "'"},
		"no PEM":              {Options{Certificate: Inline(secret), PrivateKey: key}, ErrPEM, "certificates"},
		"broken certificate":  {Options{Certificate: Inline(leaf.certificate + encode("CERTIFICATE", []byte(secret))), PrivateKey: key}, ErrPEM, "certificate 2"},
		"key as certificate":  {Options{Certificate: key, PrivateKey: key}, ErrPEM, "certificates"},
		"certificate as key":  {Options{Certificate: cert, PrivateKey: cert}, ErrPEM, "private key"},
		"broken key":          {Options{Certificate: cert, PrivateKey: Inline(encode("PRIVATE KEY", []byte(secret)))}, ErrPEM, "private key"},
		"encrypted key":       {Options{Certificate: cert, PrivateKey: Inline(locked)}, ErrEncrypted, "private key"},
		"encrypted SEC 1":     {Options{Certificate: cert, PrivateKey: Inline(oldLocked)}, ErrEncrypted, "private key"},
		"no authorities file": {Options{Certificate: cert, PrivateKey: key, ClientCA: missing}, fs.ErrNotExist, "client authorities"},
		"no authorities":      {Options{Certificate: cert, PrivateKey: key, ClientCA: Inline(secret)}, ErrPEM, "client authorities"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(tt.o, &SelfSigned{})
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v; want %v", err, tt.err)
			}
			text := err.Error()
			if !strings.Contains(text, tt.names) {
				t.Errorf("got %q; want it to name %q", text, tt.names)
			}
			for _, leak := range []string{secret, "BEGIN", "MII", "aHVudGVyMg"} {
				if strings.Contains(text, leak) {
					t.Errorf("the message shows what the source holds: %q", text)
				}
			}
		})
	}
}

func TestClientAuthorities(t *testing.T) {
	ca, stranger := mustSign(t, "ca", nil, nil), mustSign(t, "stranger", nil, nil)
	s := mustOpen(t, Options{Hostname: "h", ClientCA: Inline(stranger.certificate + ca.certificate)})
	none := mustOpen(t, Options{Hostname: "h", ClientCA: Inline(stranger.certificate)})
	client := mustSign(t, "kumod", ca, nil)
	pair, err := tls.X509KeyPair([]byte(client.certificate), []byte(client.key))
	if err != nil {
		t.Fatal(err)
	}
	with := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}
	if _, clientErr, serverErr := shake(t, s, with); clientErr != nil || serverErr != nil {
		t.Errorf("a client with a certificate: client %v, server %v; want it served", clientErr, serverErr)
	}
	if _, clientErr, serverErr := shake(t, s, &tls.Config{InsecureSkipVerify: true}); clientErr == nil || serverErr == nil {
		t.Error("a client without a certificate was served; want it turned away")
	}
	// The zero tls.Config sends no certificate of an authority that is not asked
	// for: this one is sent to whoever asks.
	with.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	if _, clientErr, serverErr := shake(t, none, with); clientErr == nil || serverErr == nil {
		t.Error("a client of a strange authority was served; want it turned away")
	}
}

func TestWarning(t *testing.T) {
	past := mustSign(t, "past", nil, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	})
	s := mustOpen(t, Options{Certificate: Inline(past.certificate), PrivateKey: Inline(past.key)})
	if got, want := s.Warning(time.Now()), "expired on "+past.leaf.NotAfter.UTC().Format(time.RFC3339); !strings.Contains(got, want) {
		t.Errorf("got warning %q; want %q in it", got, want)
	}
	if got := s.Warning(past.leaf.NotAfter.Add(-time.Minute)); got != "" {
		t.Errorf("got warning %q while it was valid; want none", got)
	}
	if got := s.Warning(past.leaf.NotBefore.Add(-time.Minute)); !strings.Contains(got, "not valid before") {
		t.Errorf("got warning %q before it is valid; want one", got)
	}
	mustServe(t, s)
}

func TestALPN(t *testing.T) {
	s := mustOpen(t, Options{Hostname: "h", NextProtos: []string{"h2", "http/1.1"}})
	for _, offered := range []string{"h2", "http/1.1"} {
		state, _, _ := shake(t, s, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{offered}})
		if state.NegotiatedProtocol != offered {
			t.Errorf("got protocol %q; want %q", state.NegotiatedProtocol, offered)
		}
	}
}

func TestVersions(t *testing.T) {
	s := mustOpen(t, Options{Hostname: "h"})
	for version, served := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		_, clientErr, _ := shake(t, s, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (clientErr == nil) != served {
			t.Errorf("%s: got error %v; want served %v", tls.VersionName(version), clientErr, served)
		}
	}
}
