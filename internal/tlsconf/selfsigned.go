package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

const (
	// selfSignedLife is how long a certificate of our own is valid.
	selfSignedLife = 366 * 24 * time.Hour
	// clockSkew is by how much the clock of a client may be late.
	clockSkew = time.Hour
)

// SelfSigned makes the certificates of our own and keeps them, so that a
// hostname has the same one for as long as the value lives. The zero value is
// ready. It may be used by several goroutines.
type SelfSigned struct {
	mu    sync.Mutex
	pairs map[string]tls.Certificate // by hostname
}

func (s *SelfSigned) pair(hostname string) (tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pair, ok := s.pairs[hostname]; ok {
		return pair, nil
	}
	pair, err := makePair(hostname, time.Now())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate for %s: %w", hostname, err)
	}
	if s.pairs == nil {
		s.pairs = make(map[string]tls.Certificate)
	}
	s.pairs[hostname] = pair
	return pair, nil
}

// makePair makes a key and a certificate that it signs itself.
func makePair(hostname string, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{ // without a serial number: x509 draws one
		Subject:               pkix.Name{CommonName: commonName(hostname)},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(selfSignedLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if ip, err := netip.ParseAddr(hostname); err == nil {
		template.IPAddresses = append(template.IPAddresses, ip.WithZone("").AsSlice())
	} else {
		template.DNSNames = []string{hostname}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// commonName cuts a name to what X.520 allows there; clients look at the
// alternative name, which has all of it.
func commonName(hostname string) string { return hostname[:min(len(hostname), 64)] }
