//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/metricdoc"
)

// TestRules: promtool finds each alert to fire when it should, and to be silent when
// it should be.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skipf("promtool is not installed: %v", err)
	}
	for _, args := range [][]string{{"check", "rules", "troupe-rules.yaml"}, {"test", "rules", "troupe-rules-test.yaml"}} {
		c := exec.CommandContext(t.Context(), promtool, args...)
		c.Dir = rulesDirectory
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestRulesNameFamilies: what the rules look at is what the daemon counts, each alert
// has its test and its place in the runbook, and no page is about a peer.
func TestRulesNameFamilies(t *testing.T) {
	t.Parallel()
	var dump bytes.Buffer
	must(t, dumpMetrics(&flags{}, process{stdout: &dump, stderr: io.Discard, lookup: os.LookupEnv}))
	families, err := metricdoc.Parse(dump.Bytes())
	must(t, err)
	rules := readText(t, rulesDirectory, "troupe-rules.yaml")
	expressions := regexp.MustCompile(`(?m)^ +expr: (?:\|\n((?: {10}.*\n)+)|(.*))`).FindAllStringSubmatch(rules, -1)
	if len(expressions) != strings.Count(rules, "expr:") {
		t.Errorf("got %d expressions; the file has %d", len(expressions), strings.Count(rules, "expr:"))
	}
	for _, e := range expressions {
		if err := metricdoc.Check(e[1]+e[2], families); err != nil {
			t.Error(err)
		}
	}
	tests, runbook := readText(t, rulesDirectory, "troupe-rules-test.yaml"), readText(t, "../../docs", "runbook.md")
	for _, alert := range alertNames(t) {
		if !strings.Contains(tests, "alertname: "+alert) {
			t.Errorf("%s has no test", alert)
		}
		if !strings.Contains(runbook, "\n## "+alert+"\n") {
			t.Errorf("%s is not in docs/runbook.md", alert)
		}
		if !strings.Contains(rules, "runbook: docs/runbook.md#"+strings.ToLower(alert)+"\n") {
			t.Errorf("%s does not lead to its place in docs/runbook.md", alert)
		}
	}
}

func alertNames(t *testing.T) (names []string) {
	t.Helper()
	found := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(readText(t, rulesDirectory, "troupe-rules.yaml"), -1)
	for _, m := range found {
		names = append(names, m[1])
	}
	if len(names) < 10 {
		t.Fatalf("got %d alerts; want the file read", len(names))
	}
	return names
}

// troubledPolicy has a hook that is slow and then fails, a log that cannot be
// written, a certificate of an hour, a source that this host does not have, and a
// destination group for the dashboard.
const troubledPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_server_request', function(request)
  if request.command == 'bind' then return true end
  kumo.sleep(1.5)
  error 'no database'
end)
kumo.on('proxy_init', function()
  proxy.configure_access_log { path = '/dev/full' }
  proxy.set_destination_groups { here = { '127.0.0.0/8' } }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', allow_sources = { '127.0.0.1', '192.0.2.9' }, require_source = false }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', use_tls = true, tls_certificate = '%[1]s/near.pem', tls_private_key = '%[1]s/near.key' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`

// forced are the alerts that a daemon can be brought to on any Unix. Those that need
// more clients, ports or descriptors than a host lacks are in alerts_linux_test.go.
var forced = []string{
	"TroupeListenerDown", "TroupeFailuresOfProxy", "TroupeCertificateExpiring", "TroupeCertificateNearEnd", "TroupeAcceptorRestarting",
	"TroupeReloadFailed", "TroupeHookSlow", "TroupeHookFailing", "TroupeAccessLogLost", "TroupeSourceUnplumbed",
}

// TestAlertsFire has a real Prometheus watch daemons in trouble, by the rules with
// seconds for minutes: each alert fires for the one that it is about, none for a
// daemon that is well, and each query of the dashboard has an answer.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skipf("prometheus is not installed: %v", err)
	}
	w := newWatched(t)
	hosts := []string{w.well.http(), w.troubled.http(), w.gone.http(), w.kept.http(), w.drained.http(), w.leaving.http()}
	p := startPrometheusBy(t, binary, hurriedRules(t), hosts...)
	for _, host := range hosts {
		query := fmt.Sprintf(`up{instance=%q}`, host)
		await(t, query+" is 1", func() bool { return p.query(query) == "1" })
	}

	gone := w.gone.http()
	w.gone.endWell()
	w.begin()
	leave := w.leave()
	for _, host := range []string{w.drained.http(), w.leaving.http()} {
		query := fmt.Sprintf("proxy_listener_drained{instance=%[1]q} - proxy_listener_up{instance=%[1]q}", host)
		await(t, query+" is 1", func() bool { return p.query(query) == "1" })
	}
	for _, alert := range forced {
		w.awaitAlert(p, alert, w.troubled.http())
	}
	w.awaitAlert(p, "TroupeGone", gone)
	w.awaitAlert(p, "TroupeFallbackPolicy", w.kept.http())
	for _, query := range dashboardQueries(t) {
		w.await("an answer to "+query, func() bool { return p.samples(query) > 0 })
	}
	for what, host := range map[string]*daemon{"is well": w.well, "was drained": w.drained, "is about to end": w.leaving} {
		if said := p.alerts(host.http()); len(said) != 0 {
			t.Errorf("got %q about a daemon that %s; want silence", said, what)
		}
	}
	leave()
}

// watched are the daemons that the Prometheus of a test looks at.
type watched struct {
	t                          *testing.T
	well, troubled, gone, kept *daemon
	drained, leaving           *daemon // as somebody wants it
	policy                     string  // that of the troubled one
	echo                       *echo
	occupied                   netip.AddrPort // no session can have it as its source
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	a := newAuthority(t)
	a.issue("near", time.Now().Add(time.Hour))
	w := &watched{t: t, policy: filepath.Join(t.TempDir(), "policy.lua"), echo: newEcho(t)}
	must(t, os.WriteFile(w.policy, fmt.Appendf(nil, troubledPolicy, a.dir), 0o600))
	w.troubled = start(t, []string{"--proxy-config", w.policy})
	w.well, w.gone, w.kept = startPolicy(t, onePolicy), startPolicy(t, onePolicy), startKept(t)
	w.drained = startPolicy(t, onePolicy)
	w.leaving = start(t, []string{"--proxy-config", w.drained.policy(), "--drain-timeout=10m"})
	l := listenUpstream(t)
	w.occupied = addressOf(l)
	return w
}

// startKept starts a daemon whose policy was broken after an earlier run.
func startKept(t *testing.T) *daemon {
	t.Helper()
	path, state := filepath.Join(t.TempDir(), "policy.lua"), t.TempDir()
	must(t, os.WriteFile(path, []byte(onePolicy), 0o600))
	args := []string{"--proxy-config", path, "--state-dir", state}
	start(t, args).endWell()
	must(t, os.WriteFile(path, []byte("this is no Lua"), 0o600))
	return start(t, args)
}

// begin brings about the troubles that last.
func (w *watched) begin() {
	w.t.Helper()
	must(w.t, os.WriteFile(w.policy, []byte("this is no Lua"), 0o600))
	w.troubled.signal(syscall.SIGHUP)
	w.drained.control("POST", "drain", "", 200, nil)

	// Another program has the address when the listener is to have it again.
	lost := w.troubled.log.addresses("proxy listener")[1]
	w.troubled.control("POST", "drain", `{"listener":"`+lost+`"}`, 200, nil)
	l, err := net.Listen("tcp", lost)
	must(w.t, err)
	w.t.Cleanup(func() { _ = l.Close() })
	w.troubled.control("DELETE", "drain?listener="+lost, "", 409, nil)
}

// leave has a daemon drain after SIGTERM, until the returned function is called.
func (w *watched) leave() (end func()) {
	w.t.Helper()
	c, _ := connect(w.t, w.leaving.socks(), addressOf(listenUpstream(w.t))) // it never answers
	_, err := c.Write([]byte("hello"))
	must(w.t, err)
	w.leaving.awaitFigure(5, "proxy_bytes_received_total", "listener", w.leaving.socks())
	w.leaving.stopped = true
	w.leaving.signal(syscall.SIGTERM)
	return func() {
		w.t.Helper()
		must(w.t, c.(*net.TCPConn).SetLinger(0))
		must(w.t, c.Close())
		if !w.leaving.awaitExit(patience) {
			w.t.Error("a daemon that drains outlives its last session")
		}
	}
}

// stir brings about one of each of the others, and sessions that go well.
func (w *watched) stir() {
	w.t.Helper()
	listener := w.troubled.log.addresses("proxy listener")[0]
	for _, r := range []struct {
		command byte
		address netip.AddrPort
	}{{2, w.occupied}, {1, w.echo.address}} {
		c := dial(w.t, listener)
		exchange(w.t, c, "greeting", []byte(greeting), []byte(accepted))
		_, err := c.Write(append([]byte{5, r.command, 0}, wireAddress(r.address)...))
		must(w.t, err)
		if reply, err := io.ReadAll(c); err != nil || !bytes.HasPrefix(reply, []byte{5, 1}) {
			w.t.Fatalf("got % x, error %v; want reply 01", reply, err)
		}
	}
	acceptor := "supervisor/listener-" + listener + "/acceptor"
	w.troubled.control("POST", "restart", `{"path":"`+acceptor+`"}`, 200, nil)
	c, _ := connect(w.t, w.well.socks(), w.echo.address)
	exchange(w.t, c, "echo", []byte("hello"), []byte("hello"))
	must(w.t, c.Close())
}

// await stirs until holds does.
func (w *watched) await(what string, holds func() bool) {
	w.t.Helper()
	for limit := time.Now().Add(2 * patience); !holds(); w.stir() {
		if time.Now().After(limit) {
			w.t.Fatalf("%s: waited in vain", what)
		}
	}
}

func (w *watched) awaitAlert(p *prometheus, alert, host string) {
	w.t.Helper()
	w.await(alert+" fires for "+host, func() bool { return slices.Contains(p.alerts(host), alert) })
}
