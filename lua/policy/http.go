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
	behind := &balancerSettings{use: &h.ProxyProtocol, from: &h.ProxyProtocolFrom}
	d.table("", t, slices.Concat([]field{
		{name: "listen", read: httpAddressInto(&h.Listen)},
		{name: "socket_mode", read: modeInto(&h.SocketMode)},
		{name: "socket_group", read: groupInto(&h.SocketGroup)},
		{name: "hostname", read: nameInto(&h.Hostname)},
	}, secure.fields(), behind.fields(), []field{
		{name: "request_body_limit", read: wholeInto(&h.RequestBodyLimit, 1, largestWhole)},
		{name: "trusted_hosts", read: trustedInto(&h.TrustedHosts)},
		{name: "allowed_hosts", read: hostsInto(&h.AllowedHosts)},
	}))
	secure.check(d)
	behind.check(d)
	h.finishSocket(d, t)
	return h
}

// trustedInto reads an array of addresses and networks. Every bad entry is
// reported. An empty array trusts nobody.
func trustedInto(p *[]netip.Prefix) reader {
	const form = "an array of addresses such as { '127.0.0.1', '10.0.0.0/8' }"
	return func(d *decoder, key string, v lua.LValue) {
		prefixes := []netip.Prefix{}
		read := d.texts(key, v, form, "an address such as '10.0.0.0/8'", func(entry, text string) {
			more, err := parseTrusted(text)
			if err != nil {
				d.fail(entry, "%v", err)
			}
			prefixes = append(prefixes, more...)
		})
		if read {
			*p = prefixes
		}
	}
}

// hostsInto reads an array of host names, without ports.
func hostsInto(p *[]string) reader {
	const form = "an array of host names such as { 'proxy.example.com' }"
	return func(d *decoder, key string, v lua.LValue) {
		var names []string
		read := d.texts(key, v, form, "a host name such as 'proxy.example.com'", func(entry, text string) {
			if !isHostName(text) {
				d.fail(entry, "expected a host name such as 'proxy.example.com', without a scheme or port, got %s", quote(text))
			}
			names = append(names, text)
		})
		if read {
			*p = names
		}
	}
}

// texts shows each entry of an array to take, with its key. It reports what is no
// array, and entries that are no text.
func (d *decoder) texts(key string, v lua.LValue, array, one string, take func(entry, text string)) bool {
	t, ok := v.(*lua.LTable)
	if !ok {
		d.expected(key, array, v, "")
		return false
	}
	for i, k := range sortedKeys(t) {
		if n, ok := k.(lua.LNumber); !ok || n != lua.LNumber(i+1) {
			d.fail(key, "expected %s, got a table with the key %s", array, describe(k))
			return false
		}
		entry := indexKey(key, i+1)
		if text, ok := t.RawGetInt(i + 1).(lua.LString); ok {
			take(entry, string(text))
		} else {
			d.expected(entry, one, t.RawGetInt(i+1), "")
		}
	}
	return true
}
