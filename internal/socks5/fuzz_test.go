package socks5_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// seeds are exchanges, whole and broken, as a client would send them.
func seeds() []string {
	const (
		bind    = "\x05\x02\x00\x01\xc0\x00\x02\x01\x00\x00"
		connect = "\x05\x01\x00\x01\xc0\x00\x02\x19\x00\x19"
		name    = "\x05\x01\x00\x03\x0emx.example.org\x00\x19"
		connec6 = "\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x19"
	)
	return []string{
		"",
		"\x05\x01\x00" + bind + connect + "EHLO",
		"\x05\x02\x00\x02\x01\x04user\x04pass" + bind + connect,
		"\x05\x01\x02\x01\x00\x00" + connec6,
		"\x05\x01\x00" + name,
		"\x05\x01\x00\x05\x01\x55\x01\xc0\x00\x02\x19\x00\x19",
		"\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00",
		"\x05\x01\x00\x05\x09\x00\x03\x02mx\x00\x19",
		"\x05\x01\x00\x05\x01\x00\x02",
		"\x05\x01\x00\x05\x01\x00\x03\x00\x00\x19",
		"\x05\x01\x00\x05\x01\x00\x03\x03a\x00b\x00\x19",
		"\x05\x01\x02\x01\x01\xff\x00",
		"\x05\x01\x02\x05",
		"\x05\x01\x01",
		"\x05\x00",
		"\x04\x01\x00\x19\xc0\x00\x02\x01\x00",
		"GET / HTTP/1.1\r\n\r\n",
	}
}

// exchange drives a Server as a proxy would and writes down what it says.
type exchange struct {
	t          testing.TB
	srv        socks5.Server
	step       func(*exchange, []byte) (string, int, error)
	consumed   int
	over       bool
	transcript []string
}

func newExchange(t testing.TB) *exchange {
	return &exchange{t: t, step: (*exchange).greeting}
}

// show takes every whole message out of what has arrived so far.
func (e *exchange) show(arrived []byte) {
	for !e.over {
		b := arrived[e.consumed:]
		said, n, err := e.step(e, b)
		switch {
		case n < 0 || n > len(b):
			e.t.Fatalf("%x: got n %d; want 0..%d", b, n, len(b))
		case (err != nil || n == 0) && said != "":
			e.t.Fatalf("%x: got %s with n %d, err %v; want the zero value", b, said, n, err)
		case err != nil:
			e.over = true
			said = fmt.Sprintf("error %v, n %d", err, n)
		case n == 0:
			return
		}
		e.consumed += n
		e.transcript = append(e.transcript, said)
	}
}

func (e *exchange) greeting(b []byte) (string, int, error) {
	g, n, err := e.srv.Greeting(b)
	if n == 0 || err != nil {
		return nonzero(g.Methods == nil, g), n, err
	}
	e.step = (*exchange).request
	switch {
	case g.Offers(socks5.MethodPassword):
		e.srv.Choose(socks5.MethodPassword)
		e.step = (*exchange).credentials
	case g.Offers(socks5.MethodNone):
		e.srv.Choose(socks5.MethodNone)
	default:
		e.srv.Choose(socks5.MethodUnacceptable)
	}
	again, err := socks5.AppendGreeting(nil, g)
	e.sameBytes(again, err, b[:n])
	return fmt.Sprintf("greeting %x", g.Methods), n, nil
}

func (e *exchange) credentials(b []byte) (string, int, error) {
	c, n, err := e.srv.Credentials(b)
	if n == 0 || err != nil {
		return nonzero(c == socks5.Credentials{}, c), n, err
	}
	e.srv.Authenticated()
	e.step = (*exchange).request
	again, err := socks5.AppendCredentials(nil, c)
	e.sameBytes(again, err, b[:n])
	return fmt.Sprintf("credentials %q %q", c.User, c.Password), n, nil
}

func (e *exchange) request(b []byte) (string, int, error) {
	r, n, err := e.srv.Request(b)
	if n == 0 || err != nil {
		return nonzero(r == socks5.Request{}, r), n, err
	}
	if r.Address.IsName() == r.Address.IP.IsValid() {
		e.t.Fatalf("%x: got %+v; want either a name or an IP", b[:n], r)
	}
	again, err := socks5.AppendRequest(nil, r)
	if err == nil {
		again[2] = b[2] // the reserved byte is not kept
	}
	e.sameBytes(again, err, b[:n])
	return fmt.Sprintf("request %v", r), n, nil
}

// sameBytes holds that what was parsed marshals back to what was consumed.
func (e *exchange) sameBytes(got []byte, err error, want []byte) {
	e.t.Helper()
	if err != nil || !bytes.Equal(got, want) {
		e.t.Fatalf("marshalled back: got %x, %v; want %x", got, err, want)
	}
}

// nonzero prints a value that ought to be zero, if it is not.
func nonzero(isZero bool, v any) string {
	if isZero {
		return ""
	}
	return fmt.Sprintf("%+v", v)
}

// FuzzServer: however a stream is cut into packets, the Server says the same.
func FuzzServer(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		stream = stream[:min(len(stream), 4*socks5.MaxMessage)]
		whole := newExchange(t)
		whole.show(stream)

		grown := newExchange(t)
		for i := range len(stream) + 1 {
			grown.show(stream[:i])
		}
		if !slices.Equal(grown.transcript, whole.transcript) || grown.consumed != whole.consumed {
			t.Errorf("byte by byte: got %q, %d bytes consumed; want %q, %d as when whole",
				grown.transcript, grown.consumed, whole.transcript, whole.consumed)
		}
	})
}

// The driver above would pass on a Server that never says anything.
func TestSeedsReachEveryPhase(t *testing.T) {
	for i, want := range map[int][]string{
		1: {"greeting 00", "request {BIND 192.0.2.1:0}", "request {CONNECT 192.0.2.25:25}",
			"error wrong protocol version: 0x45 where 0x05 is due, n 0"},
		2: {"greeting 0002", `credentials "user" "pass"`, "request {BIND 192.0.2.1:0}", "request {CONNECT 192.0.2.25:25}"},
		3: {"greeting 02", `credentials "" ""`, "request {CONNECT [2001:db8::1]:25}"},
		4: {"greeting 00", "request {CONNECT mx.example.org:25}"},
	} {
		e := newExchange(t)
		e.show([]byte(seeds()[i]))
		if !slices.Equal(e.transcript, want) {
			t.Errorf("seed %d: got %q; want %q", i, e.transcript, want)
		}
	}
}
