package policy

import (
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// defaultHTTP is an HTTP listener of which nothing was said.
func defaultHTTP(at Position) HTTPListener {
	return HTTPListener{
		At:               at,
		Listen:           "127.0.0.1:8000",
		Hostname:         hostname(),
		RequestBodyLimit: 2 << 20,
		TrustedHosts: []netip.Prefix{
			netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 32),
			netip.PrefixFrom(netip.IPv6Loopback(), 128),
		},
	}
}

// http reads the parameters of proxy.start_http_listener.
func (d *decoder) http(t *lua.LTable) HTTPListener {
	h := defaultHTTP(d.at)
	secure := tlsSettings{use: &h.UseTLS, certificate: &h.TLSCertificate, privateKey: &h.TLSPrivateKey, clientCA: &h.TLSClientCA}
	d.table("", t, slices.Concat([]field{
		{name: "listen", read: addressInto(&h.Listen)},
		{name: "hostname", read: nameInto(&h.Hostname)},
	}, secure.fields(), []field{
		{name: "request_body_limit", read: wholeInto(&h.RequestBodyLimit, 1, largestWhole)},
		{name: "trusted_hosts", read: trustedInto(&h.TrustedHosts)},
	}))
	secure.check(d)
	return h
}

// trustedInto reads an array of addresses and networks. Every bad entry is
// reported. An empty array trusts nobody.
func trustedInto(p *[]netip.Prefix) reader {
	return func(d *decoder, key string, v lua.LValue) {
		const what = "an array of addresses such as { '127.0.0.1', '10.0.0.0/8' }"
		t, ok := v.(*lua.LTable)
		if !ok {
			d.expected(key, what, v, "")
			return
		}
		prefixes := []netip.Prefix{}
		for i, k := range sortedKeys(t) {
			if n, ok := k.(lua.LNumber); !ok || n != lua.LNumber(i+1) {
				d.fail(key, "expected %s, got a table with the key %s", what, describe(k))
				return
			}
			entry := indexKey(key, i+1)
			text, ok := t.RawGetInt(i + 1).(lua.LString)
			if !ok {
				d.expected(entry, "an address such as '10.0.0.0/8'", t.RawGetInt(i+1), "")
				continue
			}
			more, err := parseTrusted(string(text))
			if err != nil {
				d.fail(entry, "%v", err)
				continue
			}
			prefixes = append(prefixes, more...)
		}
		*p = prefixes
	}
}
