package socks5_test

import (
	"fmt"
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// KumoMTA chooses the source address by BIND and goes on with CONNECT.
func Example() {
	received := []byte("\x05\x01\x00" + // no authentication
		"\x05\x02\x00\x01\xc0\x00\x02\x01\x00\x00" + // BIND 192.0.2.1:0
		"\x05\x01\x00\x01\xc6\x33\x64\x19\x00\x19" + // CONNECT 198.51.100.25:25
		"EHLO relay.example.org\r\n")
	var srv socks5.Server

	g, n, _ := srv.Greeting(received)
	received = received[n:]
	fmt.Println("offers no authentication:", g.Offers(socks5.MethodNone))
	srv.Choose(socks5.MethodNone)
	fmt.Printf("< %x\n", socks5.AppendMethod(nil, socks5.MethodNone))

	for range 2 {
		r, n, _ := srv.Request(received)
		received = received[n:]
		fmt.Println(r.Command, r.Address)
		bound := netip.MustParseAddrPort("192.0.2.1:0")
		if r.Command == socks5.Connect {
			bound = netip.MustParseAddrPort("192.0.2.1:40125")
		}
		fmt.Printf("< %x\n", socks5.AppendReply(nil, socks5.Succeeded, bound))
	}
	fmt.Printf("to be relayed: %q\n", received)

	// Output:
	// offers no authentication: true
	// < 0500
	// BIND 192.0.2.1:0
	// < 05000001c00002010000
	// CONNECT 198.51.100.25:25
	// < 05000001c00002019cbd
	// to be relayed: "EHLO relay.example.org\r\n"
}
