package rules

import (
	"net/netip"
	"testing"
)

// TestLocalDestinations has every form in which a local address was ever hidden.
func TestLocalDestinations(t *testing.T) {
	closed, open := mustCompile(t, Spec{}), mustCompile(t, Spec{AllowLocalDestinations: true})
	for dest, want := range map[string]string{
		"127.0.0.1": loopback, "127.255.255.254": loopback, "::1": loopback,
		"169.254.0.1": linkLocal, "169.254.169.254": linkLocal, "fe80::1": linkLocal, "fe80::a9fe:a9fe": linkLocal, "febf::1": linkLocal,
		"0.0.0.0": unspecified, "0.0.0.1": unspecified, "0.1.2.3": unspecified, "::": unspecified,
		"224.0.0.1": multicast, "239.255.255.255": multicast, "ff02::1": multicast, "ff0e::1": multicast,
		"255.255.255.255": broadcast,
		"100.100.100.200": metadata, "192.0.0.192": metadata, "168.63.129.16": metadata,
		"fd00:ec2::254": metadata, "fd00:ec2::23": metadata, "fd20:ce::254": metadata, "fd00:c1::a9fe:a9fe": metadata,
		"fd00:42::42": metadata, "fd00:a9fe:a9fe::1": metadata, "fd00:100::100:200": metadata,
		"198.51.100.7": thisHost, "2001:db8:7::7": thisHost, "203.0.113.129": thisHost,

		"::ffff:127.0.0.1": loopback, "::ffff:169.254.169.254": linkLocal, "::ffff:198.51.100.7": thisHost, "::ffff:0.0.0.0": unspecified,
		"::127.0.0.1": loopback, "::169.254.169.254": linkLocal, "::2": unspecified,
		"::ffff:0:127.0.0.1": loopback, "::ffff:0:100.100.100.200": metadata,
		"64:ff9b::127.0.0.1": loopback, "64:ff9b::169.254.169.254": linkLocal, "64:ff9b::198.51.100.7": thisHost, "64:ff9b::": unspecified,
		"64:ff9b:1::127.0.0.1": loopback, "64:ff9b:1:abcd::169.254.169.254": linkLocal,
		"64:ff9b:1:a9fe:a9:fe00::": linkLocal, // a prefix of 48 bits: 169.254.169.254 around the ninth byte
		"64:ff9b:1:ab7f::100:0":    "",
		"64:ff9b:1:aba9:fe:a9fe::": linkLocal, // of 56
		"64:ff9b:1:ab:7f:0:100::":  loopback,  // of 64
		"2002:7f00:1::":            loopback, "2002:a9fe:a9fe::1": linkLocal, "2002:c633:6407:1::": thisHost,
		"2001:0:7f00:1::5601:1":      loopback, // Teredo: the server is 127.0.0.1
		"2001:0:c000:201::80ff:fffe": loopback, // Teredo: the client is 127.0.0.1, inverted
		"2001:db8::5efe:127.0.0.1":   loopback, "2001:db8::200:5efe:169.254.169.254": linkLocal,

		// What looks near and is not.
		"126.255.255.255": "", "128.0.0.1": "", "169.253.255.255": "", "1.0.0.0": "", "223.255.255.255": "", "255.255.255.254": "",
		"100.100.100.201": "", "168.63.129.17": "", "198.51.100.8": "", "10.0.0.1": "", "192.168.1.1": "", "203.0.113.144": "",
		"fec0::1": "", "fd00::1": "", "fd00:ec3::254": "", "fd20:ce::253": "", "2001:db8:7::8": "", "2001:4860:4860::8888": "",
		"64:ff9b::8.8.8.8": "", "64:ff9b:1::8.8.8.8": "", "64:ff9b:1:ab:8:808:800::": "", "64:ff9b:1:ab:8:808:7f00::": "",
		"64:ff9b:2::127.0.0.1": "", "65:ff9b::127.0.0.1": "", "2002:808:808::": "", "2003:7f00:1::": "",
		"2001:1:7f00:1::80ff:fffe": "", "2001:0:c000:201::fdff:fdfe": "", "2001:db8::5eff:127.0.0.1": "", "::fffe:127.0.0.1": "",
		"::ffff:8.8.8.8": "", "::8.8.8.8": "",
	} {
		to := netip.AddrPortFrom(addr(dest), 25)
		verdict := "allowed"
		if want != "" {
			verdict = "denied: destination_local by allow_local_destinations (" + want + ")"
		}
		wantVerdict(t, dest, closed.Destination(addr(far), to), verdict)
		wantVerdict(t, dest+" from this host", closed.Destination(addr("198.51.100.7"), to), verdict)
		for _, client := range []string{"127.0.0.1", "::1", "::ffff:127.8.0.1"} {
			wantVerdict(t, dest+" from "+client, closed.Destination(addr(client), to), "allowed")
		}
		wantVerdict(t, dest+" opened", open.Destination(addr(far), to), "allowed")
	}
}

// TestLocalIsNotOpenedByAList: only the key made for it opens what is local.
func TestLocalIsNotOpenedByAList(t *testing.T) {
	list := mustDestinations(t, "127.0.0.1:25", "*")
	s := mustCompile(t, Spec{AllowDestinations: list})
	to := netip.MustParseAddrPort("127.0.0.1:25")
	wantVerdict(t, "from afar", s.Destination(addr(far), to), "denied: destination_local by allow_local_destinations (loopback)")
	wantVerdict(t, "from loopback", s.Destination(addr("::1"), to), `allowed by allow_destinations[1] "127.0.0.1:25"`)
	s = mustCompile(t, Spec{AllowLocalDestinations: true, DenyDestinations: list[:1]})
	wantVerdict(t, "opened and denied", s.Destination(addr("::1"), to), `denied: destination_denied by deny_destinations[1] "127.0.0.1:25"`)
}

// TestHiddenFormsAreDenied: a denied network is denied in every form of it.
func TestHiddenFormsAreDenied(t *testing.T) {
	s := mustCompile(t, Spec{DenyDestinations: mustDestinations(t, "10.9.0.0/16:25"), AllowLocalDestinations: true})
	for _, dest := range []string{
		"10.9.8.7", "::ffff:10.9.8.7", "::10.9.8.7", "::ffff:0:10.9.8.7", "64:ff9b::10.9.8.7", "64:ff9b:1::10.9.8.7",
		"2002:a09:807::1", "2001:0:102:304::f5f6:f7f8", "2001:db8::5efe:10.9.8.7",
	} {
		wantVerdict(t, dest, s.Destination(addr("127.0.0.1"), netip.AddrPortFrom(addr(dest), 25)),
			`denied: destination_denied by deny_destinations[1] "10.9.0.0/16:25"`)
		wantVerdict(t, dest, s.Destination(addr("127.0.0.1"), netip.AddrPortFrom(addr(dest), 26)), "allowed")
	}
}
