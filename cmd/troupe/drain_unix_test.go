//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patientServer greets each client, and answers what it says when the test wants.
type patientServer struct {
	address netip.AddrPort
	said    chan net.Conn // those whose client has said something
	wg      sync.WaitGroup
}

func newPatientServer(t *testing.T) *patientServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &patientServer{address: l.Addr().(*net.TCPAddr).AddrPort(), said: make(chan net.Conn, 1000)}
	var mu sync.Mutex
	var open []net.Conn
	s.wg.Go(func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			s.wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		s.wg.Wait()
	})
	return s
}

func (s *patientServer) serve(c net.Conn) {
	_, _ = c.Write([]byte("220 test\r\n"))
	for lines := bufio.NewScanner(c); lines.Scan(); {
		s.said <- c
	}
}

// greeted is a client of s that has got its greeting.
func (d *daemon) greeted(s *patientServer) net.Conn {
	d.t.Helper()
	c, _ := connect(d.t, d.socks(), s.address)
	exchange(d.t, c, "greeting", nil, []byte("220 test\r\n"))
	return c
}

// TestDrain: five hundred sessions when the daemon is to end. Those that have nothing
// to do go first; who waits for the answer to its mail gets it; who never will is
// named at the limit.
func TestDrain(t *testing.T) {
	t.Parallel()
	const idle, slow, stuck = 494, 3, 3
	const limit = 12 * time.Second
	d := startDraining(t, limit.String())
	server := newPatientServer(t)
	var quiet, waiting []net.Conn
	for range idle {
		quiet = append(quiet, d.greeted(server))
	}
	var servers []net.Conn
	for range slow + stuck {
		c := d.greeted(server)
		_, err := c.Write([]byte(".\r\n"))
		must(t, err)
		waiting, servers = append(waiting, c), append(servers, <-server.said)
	}
	d.stopped = true
	begun := time.Now()
	d.signal(syscall.SIGTERM)
	for _, c := range quiet {
		if _, err := io.Copy(io.Discard, c); err == nil {
			t.Error("an idle session was ended in good order; want a reset")
		}
	}
	if c, err := net.DialTimeout("tcp", d.socks(), patience); err == nil {
		_ = c.Close()
		t.Error("clients are still taken")
	}
	for i, c := range waiting[:slow] {
		_, err := servers[i].Write([]byte("250 queued\r\n"))
		must(t, err)
		exchange(t, c, "the answer to DATA", nil, []byte("250 queued\r\n"))
		must(t, c.Close())
		must(t, servers[i].Close())
	}
	d.wantDraining()
	if !d.awaitExit(limit + patience) {
		t.Fatal("still running long after the limit")
	}
	t.Logf("the daemon was gone %v after the signal; the limit is %v", time.Since(begun).Round(time.Millisecond), limit)
	if code := d.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("got exit code %d; want %d", code, exitOK)
	}
	d.wantNamed(waiting[slow:], server.address)
	if n := strings.Count(d.log.text(), "cut=shutdown_idle"); n != idle {
		t.Errorf("%d sessions were ended before the limit; want %d", n, idle)
	}
}

// startDraining starts the daemon with a time for its drain.
func startDraining(t *testing.T, limit string) *daemon {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(onePolicy), 0o600))
	return start(t, []string{"--proxy-config", path, "--drain-timeout", limit})
}

// wantDraining: who asks whether clients had better be sent here is told no.
func (d *daemon) wantDraining() {
	d.t.Helper()
	for path, want := range map[string]string{"/readyz": "not ready: draining", "/proxy/status": "KumoProxy: draining", "/livez": "alive"} {
		if _, body := d.get(path); !strings.HasPrefix(body, want) {
			d.t.Errorf("%s: got %q; want %q", path, body, want)
		}
	}
}

// wantNamed: the log has each client that waited in vain for an upstream, after all
// others.
func (d *daemon) wantNamed(clients []net.Conn, upstream netip.AddrPort) {
	d.t.Helper()
	var named []string
	last := 0
	for i, line := range d.log.all() {
		switch {
		case strings.Contains(line, "cut=shutdown_limit"):
			named = append(named, line)
		case strings.Contains(line, "cut=shutdown_idle") && len(named) > 0:
			d.t.Errorf("line %d: one that waited for its client was ended after the limit", i)
		case strings.Contains(line, "draining"):
			last = i
		}
	}
	if len(named) != len(clients) {
		d.t.Errorf("the log names %d sessions that were cut at the limit; want %d", len(named), len(clients))
	}
	if last == 0 {
		d.t.Error("the log does not say how far the drain has come")
	}
	for _, c := range clients {
		want := []string{"client=" + c.LocalAddr().String(), "source=127.0.0.1:", "destination=" + upstream.String(), "waiting_for=upstream", "WARN"}
		found := false
		for _, line := range named {
			all := true
			for _, w := range want {
				all = all && strings.Contains(line, w)
			}
			found = found || all
		}
		if !found {
			d.t.Errorf("no line has %q; the lines are\n%s", want, strings.Join(named, "\n"))
		}
	}
}

// TestSecondSignal ends a drain at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			t.Parallel()
			d := startDraining(t, "1h")
			server := newPatientServer(t)
			c := d.greeted(server)
			_, err := fmt.Fprint(c, ".\r\n")
			must(t, err)
			<-server.said
			d.stopped = true
			d.signal(syscall.SIGTERM)
			await(t, "the drain", func() bool { return d.log.contains("draining") })
			if code := d.end(second); code != exitForced {
				t.Errorf("got exit code %d; want %d", code, exitForced)
			}
		})
	}
}

// TestDrainWithoutSessions: nobody waits for anything.
func TestDrainWithoutSessions(t *testing.T) {
	t.Parallel()
	d := startDraining(t, "1h")
	d.endWell()
	if !d.log.contains("Shutdown completed OK!") {
		t.Error("the log does not say how the shutdown went")
	}
}
