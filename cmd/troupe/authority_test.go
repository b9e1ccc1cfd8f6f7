package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs the certificates of a test.
type authority struct {
	t    *testing.T
	dir  string
	leaf *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), pool: x509.NewCertPool()}
	a.leaf, a.key = a.sign("authority", time.Now().Add(time.Hour))
	a.pool.AddCert(a.leaf)
	a.write("ca.pem", "CERTIFICATE", a.leaf.Raw)
	return a
}

// sign makes a certificate for a name and 127.0.0.1; the first is the
// authority's own.
func (a *authority) sign(name string, notAfter time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name, Organization: []string{"Example"}},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             notAfter.Add(-2 * time.Hour),
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
		IsCA:                  a.leaf == nil,
	}
	parent, by := a.leaf, a.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	must(a.t, err)
	leaf, err := x509.ParseCertificate(der)
	must(a.t, err)
	return leaf, key
}

// issue writes NAME.pem and NAME.key and gives the certificate.
func (a *authority) issue(name string, notAfter time.Time) *x509.Certificate {
	a.t.Helper()
	leaf, key := a.sign(name, notAfter)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	a.write(name+".pem", "CERTIFICATE", leaf.Raw)
	a.write(name+".key", "PRIVATE KEY", der)
	return leaf
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	must(a.t, os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// client is a configuration that trusts the authority, and shows the
// certificate of a name unless that is empty.
func (a *authority) client(name string) *tls.Config {
	a.t.Helper()
	c := &tls.Config{RootCAs: a.pool, ServerName: "127.0.0.1"}
	if name != "" {
		pair, err := tls.LoadX509KeyPair(a.path(name+".pem"), a.path(name+".key"))
		must(a.t, err)
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}
