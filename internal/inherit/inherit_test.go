//go:build unix

package inherit

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// passed is a descriptor of the socket that f names, as another process would have
// passed it on.
func passed(t *testing.T, l interface{ File() (*os.File, error) }) int {
	t.Helper()
	f, err := l.File()
	must(t, err)
	t.Cleanup(func() { f.Close() })
	fd, err := unix.Dup(int(f.Fd()))
	must(t, err)
	return fd
}

func listenTCP(t *testing.T, address string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", address, err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

func open(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func TestLook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	u, err := net.Listen("unix", path)
	must(t, err)
	defer u.Close()
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"} {
		l := listenTCP(t, address)
		s, err := Look(passed(t, l))
		must(t, err)
		if want := l.Addr().(*net.TCPAddr).AddrPort(); s.Address != want || s.Path != "" {
			t.Errorf("%s: got %+v; want %v", address, s, want)
		}
		if flags, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: it would be passed on to any program (flags %d, error %v)", address, flags, err)
		}
		closeDescriptor(s.FD)
	}
	s, err := Look(passed(t, u.(*net.UnixListener)))
	must(t, err)
	if s.Path != path || s.Address.IsValid() || s.Bound() != "unix:"+path {
		t.Errorf("got %+v; want the path %s", s, path)
	}
	closeDescriptor(s.FD)
}

// TestLookRefuses: what cannot be accepted on is refused by its kind.
func TestLookRefuses(t *testing.T) {
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer p.Close()
	l := listenTCP(t, "127.0.0.1:0")
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer c.Close()
	file, err := os.Open(os.DevNull)
	must(t, err)
	defer file.Close()
	regular, err := unix.Dup(int(file.Fd()))
	must(t, err)
	for _, tt := range []struct {
		fd   int
		want string
	}{
		{passed(t, p.(*net.UDPConn)), "type 2"},
		{passed(t, c.(*net.TCPConn)), "does not listen"},
		{regular, "none that is a socket"},
		{1 << 20, "none that is a socket"},
	} {
		_, err := Look(tt.fd)
		if !errors.Is(err, ErrKind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v; want an error about %q", err, tt.want)
		}
		_ = unix.Close(tt.fd)
	}
}

// TestFromEnvironment: the variables that cannot be right; what is passed on for
// good is tested with a process.
func TestFromEnvironment(t *testing.T) {
	for _, tt := range []struct {
		pid, count string
		want       string // of the error; empty: none
	}{
		{"", "", ""},
		{"8", "1", ""}, // another process's
		{"", "1", ""},
		{"7", "0", ""},
		{"7", "x", "expected how many"},
		{"7", "-1", "expected how many"},
		{"7", "100000", "expected how many"},
	} {
		env := map[string]string{pidName: tt.pid, countName: tt.count}
		s, err := FromEnvironment(func(name string) (string, bool) { v := env[name]; return v, v != "" }, 7)
		switch {
		case tt.want == "" && (err != nil || len(s.Lasting()) > 0):
			t.Errorf("%+v: got %v, error %v; want no socket", tt, s.Lasting(), err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%+v: got error %v; want %q", tt, err, tt.want)
		}
	}
}

// TestSockets: a lasting socket can be had again and again, another one once, and
// what nobody asked for is closed.
func TestSockets(t *testing.T) {
	var all []Socket
	for range 4 {
		s, err := Look(passed(t, listenTCP(t, "127.0.0.1:0")))
		must(t, err)
		all = append(all, s)
	}
	lasting, once, chosen, unwanted := &all[0], &all[1], &all[2], &all[3]
	lasting.Lasting, chosen.Asked = true, "127.0.0.1:0"
	s := New(all)
	mapped := netip.AddrPortFrom(netip.AddrFrom16(lasting.Address.Addr().As16()), lasting.Address.Port())
	for range 2 {
		got, ok, err := s.TCP(mapped)
		if err != nil || !ok || got.FD == lasting.FD || !open(got.FD) {
			t.Fatalf("a lasting socket: got %+v, %v, %v; want a copy", got, ok, err)
		}
		closeDescriptor(got.FD)
	}
	got, ok, err := s.TCP(once.Address)
	if err != nil || !ok || got.FD != once.FD {
		t.Errorf("got %+v, %v, %v; want descriptor %d", got, ok, err, once.FD)
	}
	closeDescriptor(got.FD)
	if got, ok, _ := s.TCP(once.Address); ok {
		t.Errorf("asked again: got %+v; want none", got)
	}
	if bound, ok := s.Bound("127.0.0.1:0"); !ok || bound != chosen.Address {
		t.Errorf("got %v, %v; want %v", bound, ok, chosen.Address)
	}
	if bound, ok := s.Bound("127.0.0.1:0"); ok {
		t.Errorf("asked again: got %v; want none", bound)
	}
	if got, ok, _ := s.TCP(chosen.Address); !ok || got.FD != chosen.FD {
		t.Errorf("got %+v, %v; want descriptor %d", got, ok, chosen.FD)
	}
	closeDescriptor(chosen.FD)

	other := netip.AddrPortFrom(netip.IPv4Unspecified(), unwanted.Address.Port())
	cause := errors.New("in use")
	if err := s.Explain(cause, other); !errors.Is(err, cause) || !strings.Contains(err.Error(), unwanted.Address.String()) {
		t.Errorf("got %v; want it to name %v", err, unwanted.Address)
	}
	if got := s.Discard(); len(got) != 1 || got[0].FD != unwanted.FD || open(unwanted.FD) {
		t.Errorf("discarded: got %v; want %v, closed", got, unwanted)
	}
	if err := s.Explain(cause, other); err.Error() != cause.Error() {
		t.Errorf("got %v; want nothing more said", err)
	}
	if !s.IsLasting(lasting.Bound()) || s.IsLasting(once.Bound()) || len(s.Lasting()) != 1 {
		t.Errorf("got %v; want %v to last alone", s.Lasting(), lasting)
	}
	closeDescriptor(lasting.FD)
}

// TestNone: to have no sockets is the usual case.
func TestNone(t *testing.T) {
	var s *Sockets
	_, tcp, _ := s.TCP(netip.MustParseAddrPort("127.0.0.1:1080"))
	_, u, _ := s.Unix("/x")
	_, bound := s.Bound("127.0.0.1:0")
	if tcp || u || bound || s.Discard() != nil || s.IsLasting("") || s.Lasting() != nil || s.Settled() || s.Explain(nil, netip.AddrPort{}) != nil {
		t.Error("there is something where there is nothing")
	}
}
