package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tlsPolicy is onePolicy whose SOCKS listener has the certificate "proxy" of an
// authority; more are further lines of its table.
func tlsPolicy(a *authority, more ...string) string {
	return fmt.Sprintf(`
local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:0', use_tls = true, tls_certificate = %q, tls_private_key = %q,
    %s
  }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`, a.path("proxy.pem"), a.path("proxy.key"), strings.Join(more, "\n    "))
}

// startTLS starts a daemon with tlsPolicy.
func startTLS(t *testing.T, more ...string) (*daemon, *authority) {
	t.Helper()
	a := newAuthority(t)
	a.issue("proxy", time.Now().Add(time.Hour))
	a.issue("kumod", time.Now().Add(time.Hour))
	return startPolicy(t, tlsPolicy(a, more...), "TROUPE_LOG=debug"), a
}

// connectTLS makes a session over TLS; raw is the socket below.
func connectTLS(t *testing.T, proxy string, config *tls.Config, upstream netip.AddrPort) (c *tls.Conn, raw *net.TCPConn) {
	t.Helper()
	raw = dial(t, proxy).(*net.TCPConn)
	c = tls.Client(raw, config)
	exchange(t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	request(t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(upstream)...))
	return c, raw
}

// listenUpstream gives the connections that an upstream accepts.
func listenUpstream(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func addressOf(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// acceptOne is the next connection, which the test closes.
func acceptOne(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

func TestTLS(t *testing.T) {
	t.Parallel()
	d, a := startTLS(t)
	echo := newEcho(t)
	if !d.log.contains("proxy listener (TLS) on " + d.socks()) {
		t.Errorf("the log does not say that %s serves TLS", d.socks())
	}
	c, _ := connectTLS(t, d.socks(), a.client(""), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	must(t, c.CloseWrite())
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("got %q, error %v after the end; want nothing", rest, err)
	}
	d.awaitFigure(1, "proxy_sessions_ended_total", "listener", d.socks(), "end", "fin")
	now := d.scrape()
	for _, name := range []string{"proxy_bytes_received_total", "proxy_bytes_sent_total"} {
		if got := now.value(name, "listener", d.socks()); got != 5 {
			t.Errorf("got %s %v; want 5: neither SOCKS nor TLS counts", name, got)
		}
	}
	served := c.ConnectionState().PeerCertificates[0]
	if got, want := now.value("proxy_tls_certificate_not_after_seconds", "listener", d.socks()), float64(served.NotAfter.Unix()); got != want {
		t.Errorf("the certificate expires at %v by the figures; want %v", got, want)
	}
}

// TestTLSOpenSSL: a client that is not Go's, with each version of TLS.
func TestTLSOpenSSL(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skipf("openssl is not installed: %v", err)
	}
	d, a := startTLS(t)
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		l := listenUpstream(t)
		client := exec.CommandContext(t.Context(), openssl, "s_client", version, "-quiet", "-verify_return_error",
			"-CAfile", a.path("ca.pem"), "-verify_ip", "127.0.0.1", "-connect", d.socks())
		var said, complaints strings.Builder
		client.Stdout, client.Stderr = &said, &complaints
		connect := append([]byte{5, 1, 0, 5, 1, 0}, wireAddress(addressOf(l))...)
		client.Stdin = strings.NewReader(string(connect) + "QUIT\r\n")
		must(t, client.Start())
		upstream := acceptOne(t, l)
		exchange(t, upstream, "answer to QUIT", []byte("221 bye\r\n"), []byte("QUIT\r\n"))
		must(t, upstream.Close())
		if err := client.Wait(); err != nil || !strings.HasSuffix(said.String(), "221 bye\r\n") {
			t.Errorf("%s: got %q, error %v; want the upstream's answer; openssl said:\n%s", version, said.String(), err, complaints.String())
		}
	}
	d.awaitFigure(2, "proxy_sessions_ended_total", "listener", d.socks(), "end", "fin")
}

func TestTLSSelfSigned(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, strings.Replace(onePolicy, "listen = '127.0.0.1:0'", "listen = '127.0.0.1:0', use_tls = true, hostname = 'proxy.example.com'", 1))
	c, _ := connectTLS(t, d.socks(), &tls.Config{InsecureSkipVerify: true}, newEcho(t).address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	if err := c.ConnectionState().PeerCertificates[0].VerifyHostname("proxy.example.com"); err != nil {
		t.Error(err)
	}
}

// TestTLSExpired: a certificate that has expired is better than none, and worth
// a line.
func TestTLSExpired(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("proxy", time.Now().Add(-time.Minute))
	d := startPolicy(t, tlsPolicy(a))
	if !d.log.contains(" WARN ") || !d.log.contains("the certificate has expired on ") {
		t.Error("the log does not warn of the expired certificate")
	}
	config := a.client("")
	config.Time = func() time.Time { return time.Now().Add(-time.Hour) }
	c, _ := connectTLS(t, d.socks(), config, newEcho(t).address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
}

// TestMutualTLS: who shows no certificate of the authority's is told so and
// booked as a failed handshake; who does is named in the log.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("proxy", time.Now().Add(time.Hour))
	a.issue("kumod", time.Now().Add(time.Hour))
	d := startPolicy(t, tlsPolicy(a, fmt.Sprintf("tls_client_ca = %q,", a.path("ca.pem"))), "TROUPE_LOG=debug")
	echo := newEcho(t)

	c, _ := connectTLS(t, d.socks(), a.client("kumod"), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	must(t, c.Close())
	await(t, "the log names the client", func() bool { return d.log.contains(`client_subject="CN=kumod,O=Example"`) })

	stranger := newAuthority(t)
	stranger.issue("kumod", time.Now().Add(time.Hour))
	strange := stranger.client("kumod")
	strange.RootCAs = a.pool
	strange.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &strange.Certificates[0], nil }
	why := []string{"client didn't provide a certificate", "certificate signed by unknown authority"}
	for i, config := range []*tls.Config{a.client(""), strange} {
		c := tls.Client(dial(t, d.socks()), config)
		_, err := c.Write([]byte{5, 1, 0})
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		if remote := (*net.OpError)(nil); !errors.As(err, &remote) || remote.Op != "remote error" {
			t.Errorf("got error %v; want the alert that says why", err)
		}
		must(t, c.NetConn().Close())
		await(t, "the log says why", func() bool { return d.log.contains(why[i]) })
		d.awaitFigure(float64(i+1), "proxy_tls_handshake_failures_total", "listener", d.socks())
		d.awaitFigure(float64(i+1), "proxy_session_failures_total", "listener", d.socks(), "reason", "tls_handshake", "fault", "client")
	}
}

// TestTLSTruncated: a FIN that anybody on the way could have sent must not make
// half a message look whole.
func TestTLSTruncated(t *testing.T) {
	t.Parallel()
	d, a := startTLS(t)
	l := listenUpstream(t)
	c, raw := connectTLS(t, d.socks(), a.client(""), addressOf(l))
	upstream := acceptOne(t, l)
	if _, err := c.Write([]byte("half a message")); err != nil {
		t.Fatal(err)
	}
	must(t, raw.CloseWrite())
	got, err := io.ReadAll(upstream)
	if string(got) != "half a message" || err == nil {
		t.Errorf("the upstream got %q, error %v; want what was sent, then a reset and no end of stream", got, err)
	}
	d.awaitFigure(1, "proxy_session_failures_total", "listener", d.socks(), "reason", "tls_truncated", "fault", "client")
	d.awaitFigure(1, "proxy_connections_failed_total", "listener", d.socks())
}

// TestTLSReload: SIGHUP serves what is in the files now, to those who come now. What
// cannot be read, or is gone, changes nothing.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGHUP")
	}
	d, a := startTLS(t)
	echo := newEcho(t)
	open, _ := connectTLS(t, d.socks(), a.client(""), echo.address)
	first := open.ConnectionState().PeerCertificates[0]
	wantServed := func(want *x509.Certificate) {
		t.Helper()
		c, _ := connectTLS(t, d.socks(), a.client(""), echo.address)
		if got := c.ConnectionState().PeerCertificates[0]; !got.Equal(want) {
			t.Errorf("served: got the certificate number %v; want %v", got.SerialNumber, want.SerialNumber)
		}
		exchange(t, open, "echo on the old session", []byte("hello"), []byte("hello"))
		if got := d.scrape().value("proxy_tls_certificate_not_after_seconds", "listener", d.socks()); got != float64(want.NotAfter.Unix()) {
			t.Errorf("the certificate expires at %v by the figures; want %v", got, want.NotAfter.Unix())
		}
	}
	wantServed(first)

	must(t, os.WriteFile(a.path("proxy.pem"), []byte("no certificate"), 0o600))
	d.signal(syscall.SIGHUP)
	await(t, "the broken certificate is refused", func() bool { return d.log.contains("the old certificate is kept") })
	wantServed(first)

	must(t, errors.Join(os.Remove(a.path("proxy.pem")), os.Remove(a.path("proxy.key"))))
	wantServed(first) // no handshake reads them
	d.signal(syscall.SIGHUP)
	await(t, "the missing certificate is named", func() bool { return d.log.contains("proxy.pem': no such file") })
	wantServed(first)

	second := a.issue("proxy", time.Now().Add(30*time.Minute))
	d.signal(syscall.SIGHUP)
	await(t, "the new certificate is read", func() bool { return d.log.contains("certificate read anew") })
	wantServed(second)
}

// TestTLSHandshakeFailures: a client is accepted before its handshake, and is
// given the listener's timeout for it.
func TestTLSHandshakeFailures(t *testing.T) {
	t.Parallel()
	d, _ := startTLS(t)
	c := dial(t, d.socks())
	if _, err := c.Write([]byte("\x16\x03\x01")); err != nil {
		t.Fatal(err)
	}
	d.awaitFigure(1, "proxy_connections_accepted_total", "listener", d.socks())
	now := d.scrape()
	if active, failures := now.value("proxy_active_connections", "listener", d.socks()),
		now.value("proxy_tls_handshake_failures_total", "listener", d.socks()); active != 1 || failures != 0 {
		t.Errorf("within the handshake: got %v active, %v failures; want 1 and 0", active, failures)
	}
	must(t, c.Close())
	d.awaitFigure(1, "proxy_tls_handshake_failures_total", "listener", d.socks())
	garbage := dial(t, d.socks())
	if _, err := garbage.Write([]byte{5, 1, 0, 5, 1, 0}); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(garbage); err != nil || len(rest) != 0 {
		t.Errorf("plain SOCKS: got %q, error %v; want the end of the stream", rest, err)
	}
	must(t, garbage.Close())
	d.awaitFigure(2, "proxy_tls_handshake_failures_total", "listener", d.socks())

	hasty, _ := startTLS(t, "timeout = '100ms',")
	silent := dial(t, hasty.socks())
	if rest, err := io.ReadAll(silent); err != nil || len(rest) != 0 {
		t.Errorf("a client that says nothing: got %q, error %v; want the end of the stream", rest, err)
	}
	must(t, silent.Close())
	hasty.awaitFigure(1, "proxy_tls_handshake_failures_total", "listener", hasty.socks())

	must(t, dial(t, d.socks()).Close())
	d.awaitFigure(1, "proxy_connections_probed_total", "listener", d.socks()) // that is what a health check does
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("proxy", time.Now().Add(time.Hour))
	d := startPolicy(t, strings.Replace(tlsPolicy(a), "proxy.start_http_listener { listen = '127.0.0.1:0' }", fmt.Sprintf(
		"proxy.start_http_listener { listen = '127.0.0.1:0', use_tls = true, tls_certificate = %q, tls_private_key = %q }",
		a.path("proxy.pem"), a.path("proxy.key")), 1))
	address := d.only("https listener", d.log.addresses("https listener"))
	for _, http2 := range []bool{true, false} {
		transport := &http.Transport{TLSClientConfig: a.client(""), ForceAttemptHTTP2: http2, DisableKeepAlives: true}
		response, err := (&http.Client{Timeout: patience, Transport: transport}).Get("https://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		must(t, err)
		must(t, response.Body.Close())
		transport.CloseIdleConnections()
		if want := 1 + map[bool]int{true: 1}[http2]; response.StatusCode != http.StatusOK || response.ProtoMajor != want {
			t.Errorf("got %s over %s; want 200 over HTTP/%d", response.Status, response.Proto, want)
		}
		if want := fmt.Sprintf("proxy_tls_certificate_not_after_seconds{listener=%q}", address); !strings.Contains(string(body), want) {
			t.Errorf("the figures lack %s", want)
		}
	}
}

// TestTLSRefused: a listener that cannot serve what the policy says is not
// served at all, and what is wrong is said without what is secret.
func TestTLSRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("proxy", time.Now().Add(time.Hour))
	good := tlsPolicy(a)
	a.issue("other", time.Now().Add(time.Hour))
	key, err := os.ReadFile(a.path("other.key"))
	must(t, err)
	for policy, want := range map[string]string{
		strings.Replace(good, "proxy.key", "other.key", 1):                                                          "do not belong together: certificates from file '" + a.path("proxy.pem") + "', private key from file '" + a.path("other.key") + "'",
		strings.Replace(good, fmt.Sprintf("%q", a.path("proxy.key")), fmt.Sprintf("{ key_data = [[%s]] }", key), 1): "private key from key_data",
		strings.Replace(good, "proxy.pem", "none.pem", 1):                                                           "loading certificates from file '" + a.path("none.pem") + "': no such file",
	} {
		path := a.path("policy.lua")
		must(t, os.WriteFile(path, []byte(policy), 0o600))
		d := launch(t, []string{"--proxy-config", path})
		d.stopped = true
		if !d.awaitExit(patience) || d.cmd.ProcessState.ExitCode() != 1 {
			t.Fatalf("got %v; want exit code 1", d.cmd.ProcessState)
		}
		if !d.log.contains("policy.lua:4: listen on 127.0.0.1:0: ") || !d.log.contains(want) {
			t.Errorf("the daemon said:\n%s\nwant %q and the place", d.log.text(), want)
		}
		if d.log.contains("BEGIN") || d.log.contains(strings.Split(string(key), "\n")[1]) {
			t.Error("the daemon showed the key")
		}
	}
}

// anyCertificate is a client that takes any.
func anyCertificate() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
