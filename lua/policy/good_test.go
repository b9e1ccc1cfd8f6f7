package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/tlsconf"
)

// plainListener is what a call with listen and hostname = 'h' alone gives.
func plainListener(file string, line int, listen string) Listener {
	return Listener{
		At: Position{File: file, Line: line}, Listen: listen, Hostname: "h",
		Timeout: 60 * time.Second, ConnectTimeout: 50 * time.Second, UseSplice: true, Banner: true,
		Relay:             Relay{Idle: 20 * time.Minute, HalfClosed: time.Minute, Unacknowledged: 15 * time.Minute},
		KeepAlive:         KeepAlive{Enabled: true, Time: 300 * time.Second, Interval: 30 * time.Second, Retries: 3},
		DestinationSeries: 1000, DestinationIdle: 15 * time.Minute,
		AuthFailures: AuthFailures{Within: time.Minute, Ban: time.Minute},
	}
}

func plainHTTP(file string, line int, listen string, trusted ...netip.Prefix) HTTPListener {
	return HTTPListener{
		At: Position{File: file, Line: line}, Listen: listen, Hostname: "h",
		RequestBodyLimit: 2097152, TrustedHosts: append([]netip.Prefix{}, trusted...),
	}
}

func prefixes(list ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range list {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestGoodPolicies(t *testing.T) {
	path := func(name string) string { return filepath.Join("testdata", "good", name) }
	short := plainListener(path("both-spellings.lua"), 5, "127.0.0.1:1081")
	short.Timeout, short.ConnectTimeout = 5*time.Second, 5*time.Second // the default follows the timeout
	defaults, every := path("defaults.lua"), path("every-key.lua")

	for name, want := range map[string]Policy{
		"empty.lua":         {},
		"no-proxy-init.lua": {},
		"defaults.lua": {
			Listeners: []Listener{plainListener(defaults, 3, "127.0.0.1:1080")},
			HTTP:      []HTTPListener{plainHTTP(defaults, 4, "127.0.0.1:8000", prefixes("127.0.0.1/32", "::1/128")...)},
		},
		"every-key.lua": {
			Listeners: []Listener{{
				At: Position{File: every, Line: 3}, Listen: "[::]:1080", Hostname: "proxy.example.com",
				Timeout: 90 * time.Second, ConnectTimeout: 250 * time.Millisecond, RequireAuth: true,
				Relay:           Relay{HalfClosed: 30 * 24 * time.Hour, Most: time.Hour, Unacknowledged: time.Millisecond},
				KeepAlive:       KeepAlive{Time: time.Second, Interval: 32767 * time.Second, Retries: 127},
				DestinationIdle: 24 * time.Hour,
				AuthFailures:    AuthFailures{Within: time.Minute, Ban: time.Minute},
				UseTLS:          true,
				TLSCertificate:  tlsconf.File("/etc/troupe/cert.pem"),
				TLSPrivateKey:   tlsconf.Inline("\x00A\xff"),
				TLSClientCA:     tlsconf.Inline("not looked at"),
			}},
			HTTP: []HTTPListener{{
				At: Position{File: every, Line: 22}, Listen: "localhost:0", Hostname: "proxy.example.com", RequestBodyLimit: 1024,
				TrustedHosts:   prefixes("0.0.0.0/0", "::/0", "10.0.0.0/8", "192.0.2.1/32", "10.0.0.0/8", "2001:db8::/32"),
				TLSCertificate: tlsconf.File("served/only/with/use_tls.pem"), TLSPrivateKey: tlsconf.File("served/only/with/use_tls.pem"),
			}},
		},
		"both-spellings.lua": {
			Listeners: []Listener{plainListener(path("both-spellings.lua"), 3, "127.0.0.1:1080"), short},
			HTTP: []HTTPListener{
				plainHTTP(path("both-spellings.lua"), 4, "127.0.0.1:8000"),
				plainHTTP(path("both-spellings.lua"), 6, "127.0.0.1:8001"),
			},
		},
		"port-zero-repeats.lua": {Listeners: []Listener{
			plainListener(path("port-zero-repeats.lua"), 3, "127.0.0.1:0"),
			plainListener(path("port-zero-repeats.lua"), 4, "127.0.0.1:0"),
		}},
		"refused-and-caught.lua": {Listeners: []Listener{
			plainListener(path("refused-and-caught.lua"), 6, "127.0.0.1:1080"),
		}},
		"byte-order-mark-shebang-crlf.lua": {Listeners: []Listener{
			plainListener(path("byte-order-mark-shebang-crlf.lua"), 4, "127.0.0.1:1080"),
		}},
	} {
		t.Run(strings.TrimSuffix(name, ".lua"), func(t *testing.T) {
			text, err := os.ReadFile(path(name))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(text)
			want.Name, want.SHA256 = path(name), hex.EncodeToString(sum[:])
			got, err := Load(t.Context(), path(name), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			want.Files = []string{path(name)}
			want.Hooks, want.globs = got.Hooks, got.globs // of each load its own
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("got:\n%+v\nwant:\n%+v", *got, want)
			}
		})
	}
}

// TestEveryGoodFileIsTested keeps a file from lying in testdata/good untested.
func TestEveryGoodFileIsTested(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "good", "*.lua"))
	if err != nil || len(files) != 8 {
		t.Errorf("found %d files in testdata/good, error %v; want the 8 of TestGoodPolicies", len(files), err)
	}
}

func TestHostnameDefaultsToTheMachines(t *testing.T) {
	want, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	p := mustLoad(t, inInit(`proxy.start_proxy_listener { listen = '127.0.0.1:1080' } proxy.start_http_listener {}`))
	if got := p.Listeners[0].Hostname; got != want {
		t.Errorf("got hostname %q of the SOCKS listener; want %q", got, want)
	}
	if got := p.HTTP[0].Hostname; got != want {
		t.Errorf("got hostname %q of the HTTP listener; want %q", got, want)
	}
}

// TestLoadsShareNothing runs loads beside each other, for the race detector.
func TestLoadsShareNothing(t *testing.T) {
	done := make(chan error)
	const loads = 8
	load := func() {
		_, err := Load(context.Background(), filepath.Join("testdata", "good", "every-key.lua"), Options{})
		done <- err
	}
	for range loads {
		go load()
	}
	for range loads {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// inInit puts statements into a proxy_init handler, on its second line.
func inInit(body string) string {
	return "local kumo, proxy = require 'kumo', require 'proxy' kumo.on('proxy_init', function()\n" + body + "\nend)\n"
}

func mustLoad(t *testing.T, source string) *Policy {
	t.Helper()
	p, err := LoadSource(t.Context(), "policy.lua", []byte(source), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
