package actors

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// lines counts what is logged, by its text.
type lines struct {
	slog.Handler
	mu    sync.Mutex
	count map[string]int
}

// Enabled implements slog.Handler.
func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count[r.Message]++
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (l *lines) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *lines) WithGroup(string) slog.Handler { return l }

// An acceptor that fails a thousand times cuts no session, refuses no client, and
// does not drown the log.
func TestAcceptorFailsAThousandTimes(t *testing.T) {
	synctest.Test(t, testThousandFailures)
}

func testThousandFailures(t *testing.T) {
	const failures = 1000
	t.Cleanup(func() { <-time.After(2 * time.Second) })
	mem, said := newMemory(), &lines{count: map[string]int{}}
	tr := startTree(t, func(s *setup) {
		l := anyListener()
		l.Listen = "192.0.2.1:1080"
		s.listeners = []policy.Listener{l}
		s.network = &wire{Network: mem, conns: map[netip.AddrPort]*connection{}}
		s.log = slog.New(said)
	})
	open := func() *memoryConn {
		c := newMemoryConn(memoryScript{client: netip.MustParseAddrPort("198.51.100.1:1000"), dials: time.Millisecond})
		mem.come(c)
		for _, p := range [][]byte{greetNone, request(1, netip.MustParseAddrPort("203.0.113.25:25"))} {
			c.say(p)
		}
		return c
	}
	relays := func(c *memoryConn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.relay != nil && !c.over
	}
	var live []*memoryConn
	for range 100 {
		live = append(live, open())
	}
	began := time.Now()
	for n := range failures {
		if n%2 == 0 {
			tr.send(tr.listenerName()+"/acceptor", &boom{})
		} else {
			mem.fault <- errMemoryPanic
		}
		c := open()
		<-time.After(time.Second)
		if !relays(c) {
			t.Fatalf("the client after failure %d is not served", n+1)
		}
		c.leave(false)
	}
	for _, c := range live {
		if !relays(c) {
			t.Fatal("a session was cut")
		}
	}
	f := gather(t, tr.reg)
	if got := f.sum("proxy_acceptor_restarts_total"); got != failures || tr.status().Restarts != failures {
		t.Errorf("got %v restarts in the metrics and %v in the status; want %v", got, tr.status().Restarts, failures)
	}
	if got := f.sum("proxy_connections_failed_total"); got != 0 {
		t.Errorf("%v sessions failed; want none", got)
	}
	minutes := int(time.Since(began)/time.Minute) + 1
	for text, n := range said.count {
		// The library's own lines are off by default.
		if n > minutes && !strings.HasPrefix(text, "[ACTOR]") {
			t.Errorf("in %d minutes %d lines say %q; want one a minute", minutes, n, text)
		}
	}
	if said.count["actor failed"] == 0 {
		t.Errorf("no line says that the acceptor fails: %v", said.count)
	}
}
