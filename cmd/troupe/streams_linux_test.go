package main

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// streams makes what a client may send, good and bad. Whatever it makes leads
// to no other upstream than the one it was given, and to port 1 of this host,
// where nobody listens: a test must not knock at the doors of strangers.
type streams struct {
	rand     *rand.Rand
	upstream netip.AddrPort
	valid    [][]byte // whole handshakes, some with data behind
}

// nobody refuses connections: it is the port of tcpmux.
var nobody = netip.MustParseAddrPort("127.0.0.1:1")

func newStreams(r *rand.Rand, upstream netip.AddrPort) *streams {
	connect := func(to netip.AddrPort) string { return "\x05\x01\x00" + string(wireAddress(to)) }
	bind := "\x05\x02\x00\x01\x7f\x00\x00\x02\x00\x00" // 127.0.0.2
	name := "\x05\x01\x00\x03\x09localhost\x00\x01"
	mapped := netip.AddrPortFrom(netip.AddrFrom16(nobody.Addr().As16()), nobody.Port())
	s := &streams{rand: r, upstream: upstream}
	for _, text := range []string{
		greeting,
		greeting + bind,
		greeting + bindUnowned,
		greeting + bind + bind,
		greeting + connect(upstream) + "EHLO mta.test\r\n",
		greeting + bind + connect(upstream) + "EHLO mta.test\r\n",
		greeting + bind + connect(nobody),
		greeting + connect(nobody),
		greeting + connect(mapped),
		greeting + name,
		greeting + "\x05\x03\x00\x01\x7f\x00\x00\x01\x00\x01",
		"\x05\x01\x02" + credentials + connect(upstream),
		"\x05\x02\x00\x02" + connect(nobody),
		"\x05\x01\x01",
	} {
		s.valid = append(s.valid, []byte(text))
	}
	return s
}

// next makes one.
func (s *streams) next() []byte {
	for {
		if b := s.draw(); s.harmless(b) {
			return b
		}
	}
}

func (s *streams) draw() []byte {
	b := slices.Clone(s.valid[s.rand.IntN(len(s.valid))])
	switch s.rand.IntN(8) {
	case 0: // as it is
		return b
	case 1:
		return b[:s.rand.IntN(len(b))]
	case 2:
		return s.garbage(nil)
	case 3:
		return s.garbage([]byte(greeting))
	}
	for range 1 + s.rand.IntN(4) {
		b = s.mutate(b)
	}
	return b
}

func (s *streams) garbage(b []byte) []byte {
	for range s.rand.IntN(64) {
		b = append(b, byte(s.rand.Uint32()))
	}
	return b
}

// mutate changes, inserts, removes or repeats something.
func (s *streams) mutate(b []byte) []byte {
	if len(b) == 0 {
		return s.garbage(b)
	}
	i := s.rand.IntN(len(b))
	switch s.rand.IntN(5) {
	case 0:
		b[i] ^= 1 << s.rand.IntN(8)
	case 1:
		b[i] = byte(s.rand.Uint32())
	case 2:
		b = slices.Insert(b, i, byte(s.rand.Uint32()))
	case 3:
		b = slices.Delete(b, i, i+1)
	case 4:
		b = append(b, b[i:]...)
	}
	return b
}

// harmless reads b as the daemon does and looks where it leads.
func (s *streams) harmless(b []byte) bool {
	var server socks5.Server
	g, n, err := server.Greeting(b)
	if err != nil || n == 0 || !g.Offers(socks5.MethodNone) {
		return true // it gets no further without authentication
	}
	server.Choose(socks5.MethodNone)
	for {
		b = b[n:]
		var r socks5.Request
		r, n, err = server.Request(b)
		if err != nil || n == 0 {
			return true
		}
		if r.Command == socks5.Connect {
			return s.known(r.Address)
		}
	}
}

func (s *streams) known(a socks5.Address) bool {
	if a.IsName() {
		return a.Host == "localhost" && a.Port == nobody.Port()
	}
	to := netip.AddrPortFrom(a.IP.Unmap(), a.Port)
	return to == nobody || to == s.upstream
}
