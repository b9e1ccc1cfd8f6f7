package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/tlsconf"
)

const remoteKeys = `proxy.start_proxy_listener {
	listen = '127.0.0.1:1080', use_tls = true,
	tls_certificate = { vault_mount = 'secret', vault_path = 'troupe', vault_token = 'hunter2' },
	tls_private_key = { event_name = 'get_key', event_args = { 'hunter2', { n = 1 } } },
	tls_client_ca = { vault_mount = 'secret', vault_path = 'ca' },
}`

// The sources say where the keys are, are the same in each load, and show no
// secret.
func TestRemoteKeySources(t *testing.T) {
	one, two := mustLoad(t, inInit(remoteKeys)), mustLoad(t, inInit(remoteKeys))
	defer one.Close()
	defer two.Close()
	a, b := one.Listeners[0], two.Listeners[0]
	if !a.TLSCertificate.Equal(b.TLSCertificate) || !a.TLSPrivateKey.Equal(b.TLSPrivateKey) || a.TLSCertificate.Equal(a.TLSClientCA) {
		t.Errorf("got %v and %v; want the same sources from the same policy", a, b)
	}
	if got := fmt.Sprintf("%+v", a); strings.Contains(got, "hunter2") || !strings.Contains(got, "vault_path=troupe") {
		t.Errorf("got %s; want the sources and no token", got)
	}
}

// A listener whose certificate comes from a handler serves what the handler gives.
func TestKeyFromAHandler(t *testing.T) {
	p := mustLoad(t, inInit(`proxy.start_proxy_listener { listen = '127.0.0.1:1080', use_tls = true,
		tls_certificate = { event_name = 'pem', event_args = { 'CERTIFICATE' } },
		tls_private_key = { event_name = 'pem', event_args = { 'PRIVATE KEY' } } }`)+`
		kumo.on('pem', function(what) return '-----BEGIN ' .. what .. '-----\nAAAA\n-----END ' .. what .. '-----\n' end)`)
	defer p.Close()
	l := p.Listeners[0]
	_, err := tlsconf.Open(tlsconf.Options{Certificate: l.TLSCertificate, PrivateKey: l.TLSPrivateKey}, &tlsconf.SelfSigned{})
	// It was asked, and what it gave was looked at.
	if got := errText(err); !strings.Contains(got, "event pem") || !strings.Contains(got, "certificate 1 is malformed") {
		t.Errorf("got %q; want the handler's certificate found malformed", got)
	}
}

func TestEventArgumentsThatCannotBeKept(t *testing.T) {
	_, err := LoadSource(t.Context(), "p.lua", []byte(inInit(`proxy.start_http_listener { use_tls = true,
		tls_certificate = { event_name = 'pem', event_args = { print } }, tls_private_key = 'key.pem' }`)), Options{})
	if got := errText(err); !strings.Contains(got, "tls_certificate: expected a file name") || !strings.Contains(got, "a function is not plain data") {
		t.Errorf("got %q; want the argument refused", got)
	}
}
