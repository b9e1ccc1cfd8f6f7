package actors

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

// A session waits for the side that did not send the last byte: in the middle of
// DATA for the upstream, after its answer for the client.
func TestWhoWaitsForWhom(t *testing.T) {
	tr := startTree(t)
	greeting := tr.mustDial()
	eventually(t, "the client to be taken", func() bool { return len(slices.Collect(tr.sys.Sessions())) == 1 })
	if s := tr.only(); s.WaitsForUpstream || s.Phase != "greeting" || s.Destination.IsValid() {
		t.Errorf("got %+v; want a session that waits for the client's greeting", s)
	}
	must(t, greeting.Close())
	eventually(t, "the client to be gone", func() bool { return len(slices.Collect(tr.sys.Sessions())) == 0 })

	server, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	upstream := netip.MustParseAddrPort(server.Addr().String())
	c := tr.mustOpen(upstream)
	mx, err := server.Accept()
	must(t, err)
	defer mx.Close()
	want := func(what string, waitsForUpstream bool) {
		t.Helper()
		eventually(t, what, func() bool { return tr.only().WaitsForUpstream == waitsForUpstream })
	}
	want("the banner to be awaited", true)
	for _, turn := range []struct{ client, server string }{
		{"", "220 hello\r\n"}, {"EHLO x\r\n", "250 x\r\n"}, {"DATA\r\n", "354 go on\r\n"}, {"Subject: x\r\n\r\nhalf of it", ""},
		{"\r\n.\r\n", "250 taken\r\n"},
	} {
		if turn.client != "" {
			must(t, c.say([]byte(turn.client)...))
			want("the upstream to be awaited after "+turn.client, true)
		}
		if turn.server != "" {
			_, err := mx.Write([]byte(turn.server))
			must(t, err)
			want("the client to be awaited after "+turn.server, false)
		}
	}
	s := tr.only()
	if s.Client.String() != c.LocalAddr().String() || s.Destination != upstream || s.Source.String() != mx.RemoteAddr().String() ||
		s.Listener != tr.proxy.String() || s.Phase != "relaying" || s.Sent != 11+7+11+11 || s.Since.IsZero() {
		t.Errorf("got %+v; want the session as it is", s)
	}
}

// Sessions are ended that are meant, and are told apart by whom they waited for.
func TestEndSessions(t *testing.T) {
	tr := startTree(t)
	echo, silent := startUpstream(t), startSilent(t)
	var idle, busy, others []*client
	for range 3 {
		for _, one := range []*[]*client{&idle, &others} {
			c := tr.mustOpen(echo.addr)
			must(t, c.echo("hello"))
			*one = append(*one, c)
		}
	}
	for range 2 {
		busy = append(busy, tr.mustOpen(silent))
	}
	var ids []uint64
	for s := range tr.sys.Sessions() {
		if slices.ContainsFunc(others, func(c *client) bool { return c.LocalAddr().String() == s.Client.String() }) {
			continue
		}
		ids = append(ids, s.ID)
	}
	if cut := tr.sys.EndSessions(ids, "the test"); cut != (Cut{WaitedForClient: 3, WaitedForUpstream: 2}) {
		t.Errorf("got %+v; want 3 that waited for the client and 2 for the upstream", cut)
	}
	if cut := tr.sys.EndSessions(ids, "another"); cut != (Cut{}) {
		t.Errorf("asked twice: got %+v; want nobody, each was told once", cut)
	}
	for _, c := range slices.Concat(idle, busy) {
		must(t, c.ended())
	}
	for _, c := range others {
		must(t, c.echo("still here"))
	}
	tr.wantFailed(ReasonEndedByAdmin, 5)
	if cut := tr.sys.EndSessions(ids, "the test"); cut != (Cut{}) {
		t.Errorf("again: got %+v; want nobody", cut)
	}
	if n := len(slices.Collect(tr.sys.Sessions())); n != 3 {
		t.Errorf("%d sessions are left; want 3", n)
	}
}
