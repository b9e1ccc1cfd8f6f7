package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// TestReload replaces each kind of source that can change, first by something
// broken and then by something good.
func TestReload(t *testing.T) {
	ca := mustSign(t, "ca", nil, nil)
	first, second := mustSign(t, "first", ca, nil), mustSign(t, "second", ca, nil)
	dir := t.TempDir()
	cert, key := mustWrite(t, dir, "cert.pem", first.certificate), mustWrite(t, dir, "key.pem", first.key)
	s := mustOpen(t, Options{Certificate: File(cert), PrivateKey: File(key)})
	wantServed := func(want string) {
		t.Helper()
		if got := mustServe(t, s).Subject.CommonName; got != want {
			t.Errorf("served: got %q; want %q", got, want)
		}
	}

	for what, spoil := range map[string]func(){
		"certificate of another key": func() { mustWrite(t, dir, "cert.pem", second.certificate) },
		"broken certificate":         func() { mustWrite(t, dir, "cert.pem", "x") },
		"missing key":                func() { must(t, os.Remove(key)) },
		"key of another certificate": func() { mustWrite(t, dir, "key.pem", second.key) },
	} {
		mustWrite(t, dir, "cert.pem", first.certificate)
		mustWrite(t, dir, "key.pem", first.key)
		spoil()
		if err := s.Reload(); err == nil {
			t.Errorf("%s: got no error; want one", what)
		}
		wantServed("first")
		if !s.NotAfter().Equal(first.leaf.NotAfter) {
			t.Errorf("%s: got NotAfter %v; want that of what is served", what, s.NotAfter())
		}
	}

	mustWrite(t, dir, "cert.pem", second.certificate)
	mustWrite(t, dir, "key.pem", second.key)
	must(t, s.Reload())
	wantServed("second")
}

// TestReloadAuthorities: the authorities are read anew as well, and kept if
// they cannot be.
func TestReloadAuthorities(t *testing.T) {
	ca, stranger := mustSign(t, "ca", nil, nil), mustSign(t, "stranger", nil, nil)
	dir := t.TempDir()
	file := mustWrite(t, dir, "ca.pem", ca.certificate)
	s := mustOpen(t, Options{Hostname: "h", ClientCA: File(file)})
	client := mustSign(t, "kumod", ca, nil)
	pair, err := tls.X509KeyPair([]byte(client.certificate), []byte(client.key))
	must(t, err)
	config := &tls.Config{
		InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
	}
	wantServed := func(want bool) {
		t.Helper()
		if _, clientErr, serverErr := shake(t, s, config); (clientErr == nil && serverErr == nil) != want {
			t.Errorf("got client %v, server %v; want served: %v", clientErr, serverErr, want)
		}
	}
	wantServed(true)
	mustWrite(t, dir, "ca.pem", "x")
	if err := s.Reload(); !errors.Is(err, ErrPEM) {
		t.Errorf("got error %v; want %v", err, ErrPEM)
	}
	wantServed(true)
	mustWrite(t, dir, "ca.pem", stranger.certificate)
	must(t, s.Reload())
	wantServed(false) // not by a session of before either
}

// TestReloadInline: what the policy itself holds cannot change; reading it anew
// is no error and changes nothing.
func TestReloadInline(t *testing.T) {
	leaf := mustSign(t, "inline", nil, nil)
	s := mustOpen(t, Options{Certificate: Inline(leaf.certificate), PrivateKey: Inline(leaf.key)})
	must(t, s.Reload())
	if got := mustServe(t, s); !got.Equal(leaf.leaf) {
		t.Errorf("got the certificate of %v; want the same as before", got.Subject)
	}
}

// TestReloadLeavesSessionsAlone: a session that has made its handshake goes on
// with the certificate it knows.
func TestReloadLeavesSessionsAlone(t *testing.T) {
	first, second := mustSign(t, "first", nil, nil), mustSign(t, "second", nil, nil)
	dir := t.TempDir()
	cert, key := mustWrite(t, dir, "cert.pem", first.certificate), mustWrite(t, dir, "key.pem", first.key)
	s := mustOpen(t, Options{Certificate: File(cert), PrivateKey: File(key)})
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server, client := tls.Server(far, s.Config()), tls.Client(near, &tls.Config{InsecureSkipVerify: true})
	written := make(chan error, 1)
	release := make(chan struct{})
	go func() {
		err := server.Handshake()
		<-release
		if err == nil {
			_, err = server.Write([]byte("."))
		}
		written <- err
	}()
	must(t, client.Handshake())
	mustWrite(t, dir, "cert.pem", second.certificate)
	mustWrite(t, dir, "key.pem", second.key)
	must(t, s.Reload())
	close(release)
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Errorf("got error %v after the reload; want the session to go on", err)
	}
	must(t, <-written)
}

// TestKeySourceShowsNothing prints a source in every way a policy may be printed.
func TestKeySourceShowsNothing(t *testing.T) {
	source := Inline(secret)
	wrapped := struct{ Key KeySource }{source}
	text, err := source.MarshalText()
	must(t, err)
	for _, got := range []string{
		fmt.Sprint(source), fmt.Sprintf("%v %+v %#v %s %q %x", wrapped, wrapped, wrapped, wrapped, wrapped, source), string(text),
	} {
		if !strings.Contains(got, "key_data") || strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
			t.Errorf("got %q; want the source named and not shown", got)
		}
	}
	if got, want := File("a.pem").String(), "file 'a.pem'"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	if (KeySource{}).IsSet() || !Inline("").IsSet() || !File("a").IsSet() {
		t.Error("IsSet is wrong: only the zero value is no source")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
