package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// forcedOnNetwork are the alerts that take a network with few ports, and a queue and
// descriptors for few clients.
var forcedOnNetwork = struct{ few, crowd []string }{
	few:   []string{"TroupePortsNearExhaustion", "TroupeSourcePortsScarce", "TroupeBannersRefused", "TroupeSourceRefusedWidely"},
	crowd: []string{"TroupeBacklogOverflow", "TroupeDescriptorPressure"},
}

// TestEveryAlertIsForced: there is none that no daemon has ever set off.
func TestEveryAlertIsForced(t *testing.T) {
	t.Parallel()
	all := slices.Concat(forced, forcedOnNetwork.few, forcedOnNetwork.crowd, []string{"TroupeGone", "TroupeFallbackPolicy"})
	for _, alert := range alertNames(t) {
		if !slices.Contains(all, alert) {
			t.Errorf("%s fires in no test with a real daemon", alert)
		}
	}
}

// alarmed is a Prometheus on a network of its own, which it shares with one daemon.
type alarmed struct {
	*daemon
	p    *prometheus
	echo *echo
}

// onQuietNetwork reports whether this process has a network of its own, and sets that up.
func onQuietNetwork(t *testing.T, settings map[string]string) bool {
	t.Helper()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skipf("prometheus is not installed: %v", err)
	}
	if !onNetwork(t) {
		return false
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("ip: %v: %s", err, out)
	}
	for name, value := range settings {
		must(t, os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0o600))
	}
	return true
}

// alarm has a Prometheus watch a daemon.
func alarm(t *testing.T, d *daemon) *alarmed {
	t.Helper()
	a := &alarmed{d, startPrometheusBy(t, "prometheus", hurriedRules(t), d.http()), newEcho(t)}
	await(t, "the first scrape", func() bool { return a.p.query("up") == "1" })
	return a
}

// await stirs until each of the alerts has fired.
func (a *alarmed) await(alerts []string, stir func()) {
	a.t.Helper()
	limit := time.After(2 * patience)
	again := time.NewTicker(250 * time.Millisecond) // there are scrapes but once a second
	defer again.Stop()
	for len(alerts) > 0 {
		select {
		case <-again.C:
		case <-limit:
			a.t.Fatalf("waited in vain for %q; got %q", alerts, a.p.alerts(a.http()))
		}
		stir()
		fire := a.p.alerts(a.http())
		alerts = slices.DeleteFunc(slices.Clone(alerts), func(one string) bool { return slices.Contains(fire, one) })
	}
}

// TestAlertsOfFewPorts: a source has no port left to its busiest destination, and
// is refused by a receiver.
func TestAlertsOfFewPorts(t *testing.T) {
	t.Parallel()
	const ports = 60
	if !onQuietNetwork(t, map[string]string{"ipv4/ip_local_port_range": fmt.Sprintf("40000 %d", 40000+ports-1)}) {
		return
	}
	receivers := []*receiver{newReceiver(t), newReceiver(t), newReceiver(t)}
	groups := ""
	for i, r := range receivers {
		groups += fmt.Sprintf("g%d = { '%s' }, ", i, r.address.Addr())
	}
	a := alarm(t, startPolicy(t, strings.NewReplacer(
		"listen = '127.0.0.1:0' }\n  proxy.start_http", "listen = '127.0.0.1:0', allow_sources = { '"+blockedSource+"' } }\n  proxy.start_http",
		"'proxy_init', function()", "'proxy_init', function()\n  proxy.set_destination_groups { "+groups+"}",
	).Replace(onePolicy)))
	client := 0
	ask := func() (reply []byte) { // each client has a port beyond those
		client++
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000 + client}}
		c, err := dialer.Dial("tcp", a.socks())
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		must(t, c.SetDeadline(time.Now().Add(patience)))
		exchange(t, c, "greeting", []byte(greeting), []byte(accepted))
		request(t, c, "BIND", append([]byte{5, 2, 0}, wireAddress(netip.MustParseAddrPort(blockedSource+":0"))...))
		_, err = c.Write(append([]byte{5, 1, 0}, wireAddress(a.echo.address)...))
		must(t, err)
		reply = make([]byte, 2)
		_, err = c.Read(reply)
		must(t, err)
		return reply
	}
	for ask()[1] == 0 { // sessions that stay
		if client > ports {
			t.Fatalf("%d sessions have a port; there are %d", client, ports)
		}
	}
	a.await(forcedOnNetwork.few, func() {
		if reply := ask(); reply[1] != 1 {
			t.Fatalf("got reply %d without a free port; want 1", reply[1])
		}
		for _, r := range receivers {
			if got := a.greetedBy(r, blockedSource); got != blocked+"\r\n" {
				t.Fatalf("got %q; want to be refused", got)
			}
		}
	})
}

// TestAlertsOfACrowd: more clients come, stay a second and come again than the daemon
// has descriptors and the queue has places for.
func TestAlertsOfACrowd(t *testing.T) {
	t.Parallel()
	if !onQuietNetwork(t, map[string]string{"core/somaxconn": "8"}) {
		return
	}
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(onePolicy), 0o600))
	d := launchCommand(t, exec.Command("sh", "-c", `ulimit -n 128; exec troupe --drain-timeout=0 --proxy-config "$0"`, path))
	d.awaitReady()
	a := alarm(t, d)
	const slots = (128 - 128/4) / 2

	var crowd sync.WaitGroup
	over := make(chan struct{})
	for range slots + 20 {
		crowd.Go(func() { a.comeAndGo(over) })
	}
	a.await(forcedOnNetwork.crowd, func() {})
	close(over)
	crowd.Wait()
}

// comeAndGo is a client who is there again and again, a second each time.
func (a *alarmed) comeAndGo(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
		}
		c, err := open(a.socks(), a.echo.address)
		if err != nil {
			continue // closed after it had waited for a slot
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = c.Read(make([]byte, 1)) // the second is over, or the test
		_ = c.Close()
	}
}
