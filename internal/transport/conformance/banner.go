package conformance

import (
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// bannerCases are of a look at the upstream's first line, which nobody but the
// owner may notice.
func bannerCases() []testCase {
	return []testCase{
		{"banner/in every split", bannerSplit},
		{"banner/by the byte", bannerByTheByte},
		{"banner/before the relay", bannerEarly},
		{"banner/64 KiB without a newline", bannerEndless},
		{"banner/of many lines", bannerOfMany},
		{"banner/broken off", bannerBroken},
		{"banner/none", bannerNone},
		{"banner/none when aborted", bannerAborted},
		{"banner/nobody asks", bannerUnasked},
	}
}

// watched is a session that relays, with the look.
func (r *rig) watched() (s *session, upstream peer) {
	r.t.Helper()
	s = r.session()
	upstream = s.dial()
	s.traffic.Banner = true
	s.relay()
	return s, upstream
}

// wantBanner waits for the banner, which comes once.
func (s *session) wantBanner(line string, whole bool) {
	t := s.rig.t
	t.Helper()
	b := want[transport.Banner](s)
	if b.Line != line || b.Whole != whole || b.After < 0 || b.After > patience {
		t.Errorf("banner: got %.40q, whole %v, after %v; want %.40q, %v", b.Line, b.Whole, b.After, line, whole)
	}
}

// wantOnlyEnd checks that no banner comes any more.
func (s *session) wantOnlyEnd() {
	s.rig.t.Helper()
	want[transport.Ended](s)
}

const greeting = "554 5.7.1 mx.example blocked using dnsbl.example; see https://dnsbl.example/\r\n"

func bannerSplit(t *testing.T, r *rig) {
	for at := 1; at < len(greeting); at++ {
		s, upstream := r.watched()
		say(t, upstream, greeting[:at])
		hear(t, s.client, greeting[:at])
		say(t, upstream, greeting[at:])
		hear(t, s.client, greeting[at:])
		s.wantBanner(greeting[:len(greeting)-2], true)
		s.part(upstream, 0, len(greeting))
		s.wantOnlyEnd()
	}
	r.finish()
}

func bannerByTheByte(t *testing.T, r *rig) {
	s, upstream := r.watched()
	for i := range len(greeting) {
		say(t, upstream, greeting[i:i+1])
		hear(t, s.client, greeting[i:i+1])
	}
	s.wantBanner(greeting[:len(greeting)-2], true)
	s.part(upstream, 0, len(greeting))
	s.wantOnlyEnd()
	r.finish()
}

func bannerEarly(t *testing.T, r *rig) {
	s := r.session()
	upstream := s.dial()
	say(t, upstream, "220 first\n")
	s.traffic.Banner = true
	s.relay()
	hear(t, s.client, "220 first\n")
	s.wantBanner("220 first", true)
	say(t, s.client, "EHLO\r\n")
	hear(t, upstream, "EHLO\r\n")
	s.part(upstream, 6, 10)
	s.wantOnlyEnd()
	r.finish()
}

// bannerEndless is told in part, and a newline later on is none of it.
func bannerEndless(t *testing.T, r *rig) {
	s, upstream := r.watched()
	long := strings.Repeat("x", 64<<10) + "\n220 late\r\n"
	sent := send(upstream, []byte(long), false)
	hear(t, s.client, long)
	if _, err := sent.wait(); err != nil {
		t.Errorf("send: %v", err)
	}
	s.wantBanner(strings.Repeat("x", 512), false)
	s.part(upstream, 0, len(long))
	s.wantOnlyEnd()
	r.finish()
}

func bannerOfMany(t *testing.T, r *rig) {
	s, upstream := r.watched()
	many := "220-one\r\n220-two\r\n220 three\r\n"
	say(t, upstream, many)
	hear(t, s.client, many)
	s.wantBanner("220-one", true)
	s.part(upstream, 0, len(many))
	s.wantOnlyEnd()
	r.finish()
}

// bannerBroken: the stream ends within the line.
func bannerBroken(t *testing.T, r *rig) {
	s, upstream := r.watched()
	say(t, upstream, "421 too ma")
	hangUp(t, upstream)
	hear(t, s.client, "421 too ma")
	hearEnd(t, s.client)
	s.wantBanner("421 too ma", false)
	hangUp(t, s.client)
	hearEnd(t, upstream)
	s.wantEnd(transport.Fin, 0)
	s.wantOnlyEnd()
	closeAll(s.client, upstream)
	r.finish()
}

func bannerNone(t *testing.T, r *rig) {
	s, upstream := r.watched()
	say(t, s.client, "GET / HTTP/1.0\r\n")
	hear(t, upstream, "GET / HTTP/1.0\r\n")
	s.part(upstream, 16, 0)
	s.wantBanner("", false)
	s.wantOnlyEnd()
	r.finish()
}

func bannerAborted(t *testing.T, r *rig) {
	s, upstream := r.watched()
	say(t, s.client, "x")
	hear(t, upstream, "x")
	s.Abort()
	s.wantBanner("", false)
	s.wantOnlyEnd()
	closeAll(s.client, upstream)
	r.finish()
}

func bannerUnasked(t *testing.T, r *rig) {
	s, upstream := r.relayed()
	say(t, upstream, "220 hello\r\n")
	hear(t, s.client, "220 hello\r\n")
	s.part(upstream, 0, 11)
	s.wantOnlyEnd()
	r.finish()
}
