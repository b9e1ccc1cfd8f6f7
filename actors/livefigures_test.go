package actors

import (
	"net/netip"
	"sync"
	"testing"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// Who is there is told by kind and phase, and what was brought back stays counted.
func TestLiveFigures(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	want := func(family, label string, n float64) {
		t.Helper()
		eventually(t, family+" "+label, func() bool { return gather(t, tr.reg)[family][label] == n })
	}
	silent := tr.mustDial()
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("hello"))
	want("proxy_sessions", "greeting", 1)
	want("proxy_sessions", "relaying", 1)
	want("proxy_sessions", "dialing", 0)
	must(t, silent.Close())
	want("proxy_sessions", "greeting", 0)

	for range 2 {
		tr.send(tr.listenerName()+"/acceptor", &boom{})
		eventually(t, "the listener to accept", func() bool { return tr.status().Accepting })
	}
	want("troupe_actor_restarts_total", "acceptor", 2)
	want("troupe_actor_restarts_total", "metrics", 0)
	if _, there := gather(t, tr.reg)["troupe_actor_restarts_total"]["connection"]; there {
		t.Error("restarts of connections are counted; want none, for they are never brought back")
	}
	must(t, c.finish())
	want("proxy_sessions", "relaying", 0)
}

// Mail that waits is told, and how much of it waits for a single actor.
func TestMailboxFigures(t *testing.T) {
	tr := startTree(t)
	held, goOn := make(chan struct{}, 1), make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	tr.setTap(func(k Kind, m any) {
		if _, ok := m.(*pruneTick); ok && k == KindMetrics {
			select {
			case held <- struct{}{}:
			default:
			}
			<-goOn
		}
	})
	for range 4 {
		tr.send("metrics", &pruneTick{})
	}
	<-held
	eventually(t, "the mail to be counted", func() bool {
		f := gather(t, tr.reg)
		return f["troupe_mailbox_messages"]["metrics"] == 3 && f["troupe_mailbox_messages_max"]["metrics"] == 3 && f["troupe_mailbox_messages"]["web"] == 0
	})
	release()
	eventually(t, "the mail to be read", func() bool { return gather(t, tr.reg)["troupe_mailbox_messages"]["metrics"] == 0 })
}

// A reply is counted when it is given, and each has its series from the start.
func TestReplies(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	got := func() map[string]float64 { return gather(t, tr.reg)["proxy_replies_total"] }
	if n := len(got()); n != int(socks5.AddressNotSupported)+1 {
		t.Errorf("got %d series; want one for each reply", n)
	}
	c := tr.mustOpen(echo.addr)
	eventually(t, "a yes, while the session is open", func() bool { return got()["succeeded"] == 1 })
	must(t, c.echo("hello"))
	eventually(t, "the observation of nothing before the end", func() bool { return gather(t, tr.reg).sum("proxy_first_byte_duration_seconds") == 0 })
	must(t, c.finish())
	eventually(t, "the first byte", func() bool { return gather(t, tr.reg).sum("proxy_first_byte_duration_seconds") == 1 })
	gone := netip.AddrPortFrom(echo.addr.Addr(), 1)
	refused := tr.mustDial()
	must(t, refused.greet())
	if code, err := refused.ask(request(1, gone)); err != nil || code != byte(socks5.ConnectionRefused) {
		t.Errorf("got %v, %v from a port that nobody listens on; want it refused", code, err)
	}
	eventually(t, "a refusal", func() bool { return got()["connection_refused"] == 1 })
	if total := gather(t, tr.reg).sum("proxy_replies_total"); total != 2 {
		t.Errorf("got %v replies; want 2", total)
	}
}
