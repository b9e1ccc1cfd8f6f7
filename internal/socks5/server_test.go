package socks5_test

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// serverAwaitingRequest is a Server past a greeting that offered no
// authentication.
func serverAwaitingRequest(t testing.TB) *socks5.Server {
	t.Helper()
	srv := new(socks5.Server)
	if _, n, err := srv.Greeting([]byte{5, 1, 0}); n != 3 || err != nil {
		t.Fatalf("Greeting: got n %d, err %v; want 3, nil", n, err)
	}
	srv.Choose(socks5.MethodNone)
	return srv
}

// serverAwaitingCredentials is a Server past a greeting that offered a password.
func serverAwaitingCredentials(t testing.TB) *socks5.Server {
	t.Helper()
	srv := new(socks5.Server)
	if _, n, err := srv.Greeting([]byte{5, 1, 2}); n != 3 || err != nil {
		t.Fatalf("Greeting: got n %d, err %v; want 3, nil", n, err)
	}
	srv.Choose(socks5.MethodPassword)
	return srv
}

func TestGreeting(t *testing.T) {
	for _, tt := range []struct {
		name    string
		in      string
		methods string
		n       int
		err     error
	}{
		{"nothing", "", "", 0, nil},
		{"half a header", "\x05", "", 0, nil},
		{"a method missing", "\x05\x02\x00", "", 0, nil},
		{"one method", "\x05\x01\x00", "\x00", 3, nil},
		{"two methods", "\x05\x02\x00\x02", "\x00\x02", 4, nil},
		{"early data", "\x05\x01\x02\x01\x00", "\x02", 3, nil},
		{"255 methods", "\x05\xff" + strings.Repeat("\x80", 255), strings.Repeat("\x80", 255), 257, nil},
		{"no methods", "\x05\x00", "", 2, socks5.ErrNoMethods},
		{"SOCKS4", "\x04", "", 0, socks5.ErrVersion},
		{"HTTP", "CONNECT mx:25 HTTP/1.1", "", 0, socks5.ErrVersion},
		{"TLS", "\x16", "", 0, socks5.ErrVersion},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var srv socks5.Server
			g, n, err := srv.Greeting([]byte(tt.in))
			if string(g.Methods) != tt.methods || n != tt.n || !errors.Is(err, tt.err) {
				t.Errorf("got methods %q, n %d, err %v; want %q, %d, %v", g.Methods, n, err, tt.methods, tt.n, tt.err)
			}
		})
	}
}

func TestGreetingOffers(t *testing.T) {
	g := socks5.Greeting{Methods: []byte{0x01, 0x02}}
	for m, want := range map[socks5.Method]bool{
		socks5.MethodNone:         false,
		socks5.MethodGSSAPI:       true,
		socks5.MethodPassword:     true,
		socks5.MethodUnacceptable: false,
	} {
		if got := g.Offers(m); got != want {
			t.Errorf("%v: got %v; want %v", m, got, want)
		}
	}
}

// Methods aliases the caller's buffer; an append to it must not reach the bytes
// after the greeting.
func TestGreetingMethodsEndWithTheMessage(t *testing.T) {
	in := []byte{5, 1, 0, 0xaa}
	var srv socks5.Server
	g, _, err := srv.Greeting(in)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(g.Methods, 0xbb)
	if in[3] != 0xaa {
		t.Errorf("byte after the greeting: got %#x; want 0xaa", in[3])
	}
}

func TestCredentials(t *testing.T) {
	long := strings.Repeat("p", 255)
	for _, tt := range []struct {
		name string
		in   string
		want socks5.Credentials
		n    int
		err  error
	}{
		{"nothing", "", socks5.Credentials{}, 0, nil},
		{"user cut", "\x01\x05al", socks5.Credentials{}, 0, nil},
		{"password length missing", "\x01\x02al", socks5.Credentials{}, 0, nil},
		{"password cut", "\x01\x02al\x03se", socks5.Credentials{}, 0, nil},
		{"whole", "\x01\x02al\x03secMORE", socks5.Credentials{User: "al", Password: "sec"}, 8, nil},
		{"both empty", "\x01\x00\x00", socks5.Credentials{}, 3, nil},
		{"longest", "\x01\xff" + long + "\xff" + long, socks5.Credentials{User: long, Password: long}, socks5.MaxMessage, nil},
		{"UTF-8", "\x01\x02\xc3\xa9\x00", socks5.Credentials{User: "é"}, 5, nil},
		{"user not UTF-8", "\x01\x01\xff\x01p", socks5.Credentials{}, 5, socks5.ErrEncoding},
		{"password not UTF-8", "\x01\x01u\x01\xff", socks5.Credentials{}, 5, socks5.ErrEncoding},
		{"wrong version", "\x05", socks5.Credentials{}, 0, socks5.ErrVersion},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, n, err := serverAwaitingCredentials(t).Credentials([]byte(tt.in))
			if c != tt.want || n != tt.n || !errors.Is(err, tt.err) {
				t.Errorf("got %q/%q, n %d, err %v; want %q/%q, %d, %v",
					c.User, c.Password, n, err, tt.want.User, tt.want.Password, tt.n, tt.err)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	ip4 := socks5.Address{IP: netip.MustParseAddr("192.0.2.1"), Port: 25}
	ip6 := socks5.Address{IP: netip.MustParseAddr("2001:db8::1"), Port: 25}
	mapped := socks5.Address{IP: netip.MustParseAddr("::ffff:192.0.2.1"), Port: 25}
	const (
		bytes4  = "\x01\xc0\x00\x02\x01\x00\x19"
		bytes6  = "\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x19"
		bytesM  = "\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01\x00\x19"
		bytesMX = "\x03\x02mx\x02\x4b"
	)
	long := strings.Repeat("x", 255)
	for _, tt := range []struct {
		name string
		in   string
		want socks5.Request
		n    int
		err  error
	}{
		{"nothing", "", socks5.Request{}, 0, nil},
		{"no address type", "\x05\x01\x00", socks5.Request{}, 0, nil},
		{"no name length", "\x05\x01\x00\x03", socks5.Request{}, 0, nil},
		{"port cut", "\x05\x01\x00\x01\xc0\x00\x02\x01\x00", socks5.Request{}, 0, nil},
		{"CONNECT to IPv4", "\x05\x01\x00" + bytes4, socks5.Request{Command: socks5.Connect, Address: ip4}, 10, nil},
		{"BIND to IPv6", "\x05\x02\x00" + bytes6, socks5.Request{Command: socks5.Bind, Address: ip6}, 22, nil},
		{"UDP ASSOCIATE", "\x05\x03\x00" + bytes4, socks5.Request{Command: socks5.Associate, Address: ip4}, 10, nil},
		{"mapped address stays as sent", "\x05\x01\x00" + bytesM, socks5.Request{Command: socks5.Connect, Address: mapped}, 22, nil},
		{"name", "\x05\x01\x00" + bytesMX, socks5.Request{Command: socks5.Connect, Address: socks5.Address{Host: "mx", Port: 587}}, 9, nil},
		{"longest name", "\x05\x01\x00\x03\xff" + long + "\x00\x19", socks5.Request{Command: socks5.Connect, Address: socks5.Address{Host: long, Port: 25}}, 262, nil},
		{"reserved byte in use", "\x05\x01\x77" + bytes4, socks5.Request{Command: socks5.Connect, Address: ip4}, 10, nil},
		{"early data", "\x05\x01\x00" + bytes4 + "EHLO", socks5.Request{Command: socks5.Connect, Address: ip4}, 10, nil},

		{"wrong version", "\x04", socks5.Request{}, 0, socks5.ErrVersion},
		{"unknown command, address to come", "\x05\x09\x00\x01\xc0", socks5.Request{}, 0, nil},
		{"unknown command", "\x05\x09\x00" + bytes4, socks5.Request{}, 10, socks5.ErrCommand},
		{"command 0", "\x05\x00\x00" + bytesMX, socks5.Request{}, 9, socks5.ErrCommand},
		{"unknown address type", "\x05\x01\x00\x02", socks5.Request{}, 0, socks5.ErrAddressType},
		{"both unknown", "\x05\x09\x00\x02", socks5.Request{}, 0, socks5.ErrCommand},
		{"empty name, port to come", "\x05\x01\x00\x03\x00", socks5.Request{}, 0, nil},
		{"empty name", "\x05\x01\x00\x03\x00\x00\x19", socks5.Request{}, 7, socks5.ErrName},
		{"NUL in name", "\x05\x01\x00\x03\x03a\x00b\x00\x19", socks5.Request{}, 10, socks5.ErrName},
		{"newline in name", "\x05\x01\x00\x03\x03a\nb\x00\x19", socks5.Request{}, 10, socks5.ErrName},
		{"DEL in name", "\x05\x01\x00\x03\x01\x7f\x00\x19", socks5.Request{}, 8, socks5.ErrName},
		{"C1 control in name", "\x05\x01\x00\x03\x02\xc2\x85\x00\x19", socks5.Request{}, 9, socks5.ErrName},
		{"name not UTF-8", "\x05\x01\x00\x03\x01\xff\x00\x19", socks5.Request{}, 8, socks5.ErrName},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, n, err := serverAwaitingRequest(t).Request([]byte(tt.in))
			if r != tt.want || n != tt.n || !errors.Is(err, tt.err) {
				t.Errorf("got %+v, n %d, err %v; want %+v, %d, %v", r, n, err, tt.want, tt.n, tt.err)
			}
		})
	}
}

// A call out of turn would let a client skip authentication.
func TestCallsOutOfTurnAreRefused(t *testing.T) {
	request := []byte("\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x19")
	credentials := []byte{1, 0, 0}
	greet := func(s *socks5.Server) { _, _, _ = s.Greeting([]byte{5, 2, 0, 2}) }

	for _, tt := range []struct {
		name string
		do   func(*socks5.Server)
	}{
		{"request first", func(*socks5.Server) {}},
		{"no method chosen", greet},
		{"no method acceptable", func(s *socks5.Server) { greet(s); s.Choose(socks5.MethodUnacceptable) }},
		{"GSSAPI, which we do not speak", func(s *socks5.Server) { greet(s); s.Choose(socks5.MethodGSSAPI) }},
		{"method chosen before the greeting", func(s *socks5.Server) { s.Choose(socks5.MethodNone) }},
		{"credentials due", func(s *socks5.Server) { greet(s); s.Choose(socks5.MethodPassword) }},
		{"method chosen again", func(s *socks5.Server) {
			greet(s)
			s.Choose(socks5.MethodPassword)
			s.Choose(socks5.MethodNone)
		}},
		{"authenticated before credentials", func(s *socks5.Server) {
			greet(s)
			s.Choose(socks5.MethodPassword)
			s.Authenticated()
		}},
		{"method chosen after none was acceptable", func(s *socks5.Server) {
			greet(s)
			s.Choose(socks5.MethodUnacceptable)
			s.Choose(socks5.MethodNone)
		}},
		{"authenticated too early, and again", func(s *socks5.Server) {
			greet(s)
			s.Choose(socks5.MethodPassword)
			s.Authenticated()
			_, _, _ = s.Credentials(credentials)
			s.Authenticated()
		}},
		{"credentials not accepted", func(s *socks5.Server) {
			greet(s)
			s.Choose(socks5.MethodPassword)
			_, _, _ = s.Credentials(credentials)
		}},
		{"an earlier message was refused", func(s *socks5.Server) {
			greet(s)
			s.Choose(socks5.MethodNone)
			_, _, _ = s.Request([]byte{4})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var srv socks5.Server
			tt.do(&srv)
			r, n, err := srv.Request(request)
			if r != (socks5.Request{}) || n != 0 || !errors.Is(err, socks5.ErrPhase) {
				t.Errorf("got %+v, n %d, err %v; want nothing, 0, %v", r, n, err, socks5.ErrPhase)
			}
		})
	}

	srv := serverAwaitingRequest(t)
	if _, n, err := srv.Greeting([]byte{5, 1, 0}); n != 0 || !errors.Is(err, socks5.ErrPhase) {
		t.Errorf("second greeting: got n %d, err %v; want 0, %v", n, err, socks5.ErrPhase)
	}
	if _, n, err := srv.Credentials(credentials); n != 0 || !errors.Is(err, socks5.ErrPhase) {
		t.Errorf("credentials nobody asked for: got n %d, err %v; want 0, %v", n, err, socks5.ErrPhase)
	}
	if _, n, err := srv.Request(request); n != len(request) || err != nil {
		t.Errorf("request after those mistakes: got n %d, err %v; want %d, nil", n, err, len(request))
	}
}

// At thousands of sessions a second the common messages leave no garbage.
func TestParsingDoesNotAllocate(t *testing.T) {
	greeting := []byte{5, 2, 0, 2}
	for _, request := range []string{
		"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x19",
		"\x05\x02\x00\x04" + strings.Repeat("\x20", 16) + "\x00\x00",
	} {
		in := []byte(request)
		out := make([]byte, 0, 64)
		allocs := testing.AllocsPerRun(100, func() {
			var srv socks5.Server
			g, _, _ := srv.Greeting(greeting)
			srv.Choose(socks5.MethodNone)
			r, n, err := srv.Request(in)
			if !g.Offers(socks5.MethodPassword) || n != len(in) || err != nil {
				t.Fatalf("got n %d, err %v; want %d, nil", n, err, len(in))
			}
			out = socks5.AppendMethod(out[:0], socks5.MethodNone)
			out = socks5.AppendReply(out, socks5.Succeeded, r.Address.AddrPort())
		})
		if allocs != 0 {
			t.Errorf("%x: got %v allocations; want 0", in, allocs)
		}
		if !bytes.HasPrefix(out, []byte{5, 0, 5, 0, 0}) {
			t.Errorf("%x: got answers %x; want prefix 0500050000", in, out)
		}
	}
}
