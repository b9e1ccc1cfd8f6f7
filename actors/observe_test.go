package actors

import (
	"net/netip"
	"testing"
)

// Histograms count what each session reached; a probe reached nothing.
func TestHistogramsCountWhatWasReached(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	refusing := closedPort(t)
	for range 3 {
		must(t, tr.mustDial().Close()) // a probe
	}
	c := tr.mustDial() // not greeted
	must(t, c.say(4, 1))
	must(t, c.ended())
	for range 2 {
		c := tr.mustDial()
		must(t, c.greet())
		must(t, c.Close())
	}
	must(t, tr.mustDial().refused(request(1, refusing), 5))
	for range 4 {
		must(t, tr.mustOpen(echo.addr).finish())
	}
	for name, want := range map[string]float64{
		"proxy_greet_duration_seconds":   7,
		"proxy_connect_duration_seconds": 5,
		"proxy_session_duration_seconds": 4,
	} {
		eventually(t, name, func() bool { return gather(t, tr.reg).sum(name) >= want })
	}
	tr.wantIdle()
	tr.stop() // nothing more can come
	f := gather(t, tr.reg)
	for name, want := range map[string]float64{
		"proxy_greet_duration_seconds":   7,
		"proxy_connect_duration_seconds": 5,
		"proxy_session_duration_seconds": 4,
		"proxy_connections_probed_total": 3,
	} {
		if got := f.sum(name); got != want {
			t.Errorf("%s counts %v; want %v", name, got, want)
		}
	}
}

// A source that is not an address of this host is refused at BIND, so that the
// client can tell it from an upstream's trouble; another one is used.
func TestSourceIsCheckedAtBind(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	must(t, tr.mustDial().refused(request(2, netip.MustParseAddrPort("192.0.2.77:0")), 1))
	tr.wantFailed(ReasonSourceUnplumbed, 1)

	c := tr.mustDial()
	must(t, c.greet())
	for _, req := range [][]byte{request(2, netip.MustParseAddrPort("127.0.0.1:0")), request(1, echo.addr)} {
		code, err := c.ask(req)
		must(t, err)
		if code != 0 {
			t.Fatalf("request % x answered %d; want 0", req, code)
		}
	}
	must(t, c.echo("hello\r\n"))
	must(t, c.finish())
	tr.wantIdle()
	if got := gather(t, tr.reg).sum("proxy_connections_failed_total"); got != 1 {
		t.Errorf("%v sessions failed; want only the first", got)
	}
}
