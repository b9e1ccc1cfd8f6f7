package conformance

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func bindCases() []testCase {
	return []testCase{
		{"bind/the upstream sees the source", bindSeen},
		{"bind/a second one replaces the first", bindTwice},
		{"bind/unplumbed address", bindUnplumbed},
		{"bind/freely", bindFreely},
		{"bind/a port", bindPort},
		{"bind/never used", bindUnused},
	}
}

// secondLoopback is a loopback address other than the usual one.
func secondLoopback() netip.AddrPort {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return netip.MustParseAddrPort("127.0.0.2:0")
	}
	return netip.MustParseAddrPort("127.0.0.1:0") // elsewhere only this is plumbed
}

func bindSeen(t *testing.T, r *rig) {
	s := r.session()
	source := secondLoopback()
	bound, err := s.Bind(transport.Origin{AddrPort: source})
	if err != nil || bound.Addr() != source.Addr() {
		t.Fatalf("bind: got %v, %v; want %v", bound, err, source.Addr())
	}
	if runtime.GOOS == "linux" && bound.Port() != 0 {
		t.Errorf("bound port: got %d; want 0, none taken before the destination is known", bound.Port())
	}
	upstream := s.dial()
	if got, want := upstream.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(), source.Addr(); got != want {
		t.Errorf("source that the upstream sees: got %v; want %v", got, want)
	}
	s.relay()
	s.part(upstream, 0, 0)
	r.finish()
}

func bindTwice(t *testing.T, r *rig) {
	s := r.session()
	for _, source := range []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0"), secondLoopback()} {
		if _, err := s.Bind(transport.Origin{AddrPort: source}); err != nil {
			t.Fatalf("bind %v: %v", source, err)
		}
	}
	upstream := s.dial()
	if got, want := upstream.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(), secondLoopback().Addr(); got != want {
		t.Errorf("source that the upstream sees: got %v; want %v", got, want)
	}
	s.relay()
	s.part(upstream, 0, 0)
	r.finish()
}

// bindUnplumbed: the answer comes at once and does no harm.
func bindUnplumbed(t *testing.T, r *rig) {
	s := r.session()
	_, err := s.Bind(transport.Origin{AddrPort: netip.MustParseAddrPort("203.0.113.9:0")})
	wantErrno(t, err, syscall.EADDRNOTAVAIL, wsaAddrNotAvail)
	s.Write([]byte("no"))
	hear(t, s.client, "no")
	s.Abort()
	closeAll(s.client)
	r.finish()
}

func bindPort(t *testing.T, r *rig) {
	s := r.session()
	source := refusing(t) // free a moment ago
	bound, err := s.Bind(transport.Origin{AddrPort: source})
	if err != nil || bound != source {
		t.Fatalf("bind: got %v, %v; want %v", bound, err, source)
	}
	upstream := s.dial()
	if got := upstream.RemoteAddr().(*net.TCPAddr).AddrPort(); got != source {
		t.Errorf("source that the upstream sees: got %v; want %v", got, source)
	}
	s.relay()
	s.part(upstream, 0, 0)
	r.finish()
}

// bindUnused: what was bound and never used is released at the end.
func bindUnused(t *testing.T, r *rig) {
	for _, end := range []func(*session){(*session).abort, (*session).finish} {
		s := r.session()
		if _, err := s.Bind(transport.Origin{AddrPort: secondLoopback()}); err != nil {
			t.Fatalf("bind: %v", err)
		}
		end(s)
		closeAll(s.client)
		s.wantEnd(transport.Closed, 0)
	}
	r.finish()
}

func (s *session) abort()  { s.Abort() }
func (s *session) finish() { s.Finish() }

// bindFreely: an address that is nobody's is bound where somebody asks for that, if
// there is such a thing here.
func bindFreely(t *testing.T, r *rig) {
	s := r.session()
	source := netip.MustParseAddrPort("203.0.113.9:0")
	bound, err := s.Bind(transport.Origin{AddrPort: source, Freebind: true})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		t.Logf("bind: %v", err)
	case err != nil || bound.Addr() != source.Addr():
		t.Errorf("bind: got %v, %v; want %v", bound, err, source.Addr())
	}
	if _, err := s.Bind(transport.Origin{AddrPort: source}); err == nil {
		t.Error("the same without asking for it: got no error; want one")
	}
	s.Abort()
	closeAll(s.client)
	r.finish()
}
