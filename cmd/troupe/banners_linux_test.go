package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// blocked is what the receiver of these tests says to the source that it blocks.
const (
	blockedSource = "127.0.0.2"
	blocked       = "554 5.7.1 Service unavailable; client host [127.0.0.2] blocked using dnsbl.example; see https://dnsbl.example/query?ip=127.0.0.2"
	welcome       = "220 mx.example ESMTP"
)

// receiver is a mail server that blocks one source. Its line comes in pieces.
type receiver struct {
	address  netip.AddrPort
	sessions sync.WaitGroup
}

// newReceiver is one at a port where mail servers are, on an address of this host
// that nobody else has that port on.
func newReceiver(t *testing.T) *receiver {
	t.Helper()
	for {
		to := destination(rand.IntN(1<<22), 2525)
		l, err := net.Listen("tcp4", to.String())
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		must(t, err)
		r := &receiver{address: to}
		r.sessions.Go(func() { r.accept(l) })
		t.Cleanup(func() {
			_ = l.Close() // its only purpose is to end accept
			r.sessions.Wait()
		})
		return r
	}
}

func (r *receiver) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.sessions.Go(func() { r.serve(c) })
	}
}

func (r *receiver) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience)) // else the end of the test would wait for ever
	says := welcome
	if c.RemoteAddr().(*net.TCPAddr).IP.String() == blockedSource {
		says = blocked
	}
	for piece := range strings.SplitAfterSeq(says+"\r\n", " ") {
		if _, err := io.WriteString(c, piece); err != nil {
			return
		}
	}
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c) // until the client has left
}

// greetedBy is what a client reads that has a source and goes to a mail server.
func (d *daemon) greetedBy(r *receiver, source string) string {
	d.t.Helper()
	c := dial(d.t, d.socks())
	exchange(d.t, c, "greeting", []byte(greeting), []byte(accepted))
	request(d.t, c, "BIND", append([]byte{5, 2, 0}, wireAddress(netip.AddrPortFrom(netip.MustParseAddr(source), 0))...))
	request(d.t, c, "CONNECT", append([]byte{5, 1, 0}, wireAddress(r.address)...))
	said, err := io.ReadAll(c)
	must(d.t, err)
	must(d.t, c.Close())
	return string(said)
}

// TestReceiverBlocksASource: of three sources, the one that a receiver blocks is
// the first that an operator sees, with what was said.
func TestReceiverBlocksASource(t *testing.T) {
	t.Parallel()
	onEachTransport(t, `
local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.set_destination_groups { mx = { '127.0.0.0/8' }, other = { '192.0.2.0/24' } }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', allow_sources = { '127.0.0.4', '127.0.0.3', '127.0.0.2' } }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)`, func(t *testing.T, d *daemon) {
		before := d.scrape()
		for _, class := range []string{"2xx", "4xx", "5xx", "none"} {
			if got := before.value("proxy_banner_total", "source", blockedSource, "class", class); got != 0 {
				t.Errorf("%s: got %v before the first session; want 0", class, got)
			}
		}
		r := newReceiver(t)
		for _, one := range []struct{ source, want string }{
			{"127.0.0.3", welcome}, {blockedSource, blocked}, {"127.0.0.4", welcome}, {blockedSource, blocked},
		} {
			if got := d.greetedBy(r, one.source); got != one.want+"\r\n" {
				t.Errorf("from %s: got %q; want %q", one.source, got, one.want)
			}
		}
		d.awaitFigure(2, "proxy_banner_total", "source", blockedSource, "class", "5xx")
		d.awaitFigure(1, "proxy_banner_total", "source", "127.0.0.4", "class", "2xx")
		d.awaitFigure(2, "proxy_group_banner_total", "source", blockedSource, "group", "mx", "class", "5xx")
		d.wantBlockShown(r)
	})
}

// wantBlockShown looks at the command, the page and the log.
func (d *daemon) wantBlockShown(r *receiver) {
	d.t.Helper()
	table := d.troupe("sources")
	first := strings.Split(table, "\n")[1]
	if words := strings.Fields(first); words[0] != blockedSource || !strings.Contains(first, " 0/0/2 ") ||
		!strings.HasSuffix(first, r.address.String()+" "+blocked) {
		d.t.Errorf("got %s; want %s first, and what it was told", table, blockedSource)
	}
	if _, page := d.get("/ui/sources"); !strings.Contains(page, "client host [127.0.0.2] blocked using dnsbl.example") {
		d.t.Errorf("got the page %s; want on it what was said", page)
	}
	if n := strings.Count(d.log.text(), "blocked using"); n != 1 || !d.log.contains("an upstream refuses a source") {
		d.t.Errorf("got %d lines about it in the log; want 1", n)
	}
}

// TestBannersInAccessLog: what a receiver said is in the line of the session, where
// somebody looked, and the text only if it refused.
func TestBannersInAccessLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.log")
	d := startPolicy(t, logged("path = '"+path+"'", "listen = '127.0.0.1:0', allow_sources = { '127.0.0.0/29' }, require_source = false"))
	r, echo := newReceiver(t), newEcho(t)
	for i, tt := range []struct {
		begin           func()
		banner, refusal string
	}{
		{func() { d.greetedBy(r, blockedSource) }, "5xx", blocked},
		{func() { d.greetedBy(r, "127.0.0.3") }, "2xx", "null"},
		{func() { d.session(echo.address) }, "null", "null"},
	} {
		tt.begin()
		if got := awaitLine(t, path, i+1); text(got.Banner) != tt.banner || text(got.Refusal) != tt.refusal {
			t.Errorf("got the line %+v with %q, %q; want %q, %q", got, text(got.Banner), text(got.Refusal), tt.banner, tt.refusal)
		}
	}
}
