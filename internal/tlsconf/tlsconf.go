// Package tlsconf turns the certificate, key and client authorities that a
// listener was given into a TLS configuration whose certificate can be replaced
// while the listener runs.
//
// It opens no socket, makes no handshake and logs nothing. Files and memory it
// reads itself; who else is to be asked, internal/keysource asks.
//
// Its data comes from the policy as a KeySource and goes to crypto/tls, to the
// figures as NotAfter and to the operator as errors, in which key sources are
// named and never shown.
package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrNoPrivateKey says that a certificate was given and no private key.
	ErrNoPrivateKey = errors.New("a certificate without a private key")
	// ErrNoCertificate says that a private key was given and no certificate.
	ErrNoCertificate = errors.New("a private key without a certificate")
	// ErrMismatch says that certificate and private key do not belong together.
	ErrMismatch = errors.New("certificate and private key do not belong together")
	// ErrPEM says that the source holds nothing of the kind asked for, or it is broken.
	ErrPEM = errors.New("not usable as PEM")
	// ErrEncrypted says that the private key is protected by a password.
	ErrEncrypted = errors.New("the private key is encrypted, and nobody is here to be asked for the password")
)

// Options say what a listener serves. The zero value of all but Hostname is
// usable.
type Options struct {
	// Hostname is the DNS name or IP address in a certificate of our own, which
	// is made when neither Certificate nor PrivateKey is given.
	Hostname    string
	Certificate KeySource // the chain, leaf first
	PrivateKey  KeySource
	// ClientCA, if given, holds the authorities of which one must have signed
	// the client's certificate: a client without one is turned away.
	ClientCA KeySource
	// NextProtos are the protocols offered by ALPN. Empty offers none.
	NextProtos []string
}

// Source is the TLS configuration of one listener. Its methods may be called
// from any goroutine.
type Source struct {
	options Options
	own     *SelfSigned
	config  *tls.Config

	loading sync.Mutex // held while sources are read, so that the newest stays
	current atomic.Pointer[loaded]
}

// loaded is what one reading of the sources gave.
type loaded struct {
	config *tls.Config
	leaf   *x509.Certificate
}

// Open reads the sources for the first time. Certificates of our own are taken
// from own. The error says which source is no good.
func Open(o Options, own *SelfSigned) (*Source, error) {
	s := &Source{options: o, own: own}
	s.config = &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: slices.Clone(o.NextProtos),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return s.current.Load().config, nil
		},
	}
	return s, s.Reload()
}

// Config is what the listener serves by, for as long as it likes: each
// handshake takes the certificate that was read last. It must not be changed.
func (s *Source) Config() *tls.Config { return s.config }

// Reload reads the sources anew for the handshakes to come. Sessions that have
// made theirs notice nothing. If reloading fails, the old certificate, key and
// authorities are kept.
func (s *Source) Reload() error {
	s.loading.Lock()
	defer s.loading.Unlock()
	pair, err := s.pair()
	if err != nil {
		return err
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   slices.Clone(s.options.NextProtos),
		Certificates: []tls.Certificate{pair},
	}
	if s.options.ClientCA.IsSet() {
		if config.ClientCAs, err = readAuthorities(s.options.ClientCA); err != nil {
			return err
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		// A session resumed would be one whose client the authorities of today
		// were not asked about.
		config.SessionTicketsDisabled = true
	}
	s.current.Store(&loaded{config: config, leaf: pair.Leaf})
	return nil
}

// pair reads the certificate and its key.
func (s *Source) pair() (tls.Certificate, error) {
	c, k := s.options.Certificate, s.options.PrivateKey
	switch {
	case !c.IsSet() && !k.IsSet():
		return s.own.pair(s.options.Hostname)
	case !k.IsSet():
		return tls.Certificate{}, fmt.Errorf("certificate from %s: %w", c, ErrNoPrivateKey)
	case !c.IsSet():
		return tls.Certificate{}, fmt.Errorf("private key from %s: %w", k, ErrNoCertificate)
	}
	return readPair(c, k)
}

// NotAfter is when the certificate of today expires.
func (s *Source) NotAfter() time.Time { return s.current.Load().leaf.NotAfter }

// Warning says what clients will hold against the certificate at a time, or "".
// It is no error: an expired certificate is what most clients of a proxy do not
// look at, and a listener that is gone is worse.
func (s *Source) Warning(now time.Time) string {
	leaf := s.current.Load().leaf
	switch {
	case now.After(leaf.NotAfter):
		return "the certificate has expired on " + leaf.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(leaf.NotBefore):
		return "the certificate is not valid before " + leaf.NotBefore.UTC().Format(time.RFC3339)
	}
	return ""
}
