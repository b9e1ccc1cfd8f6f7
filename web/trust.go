package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
)

// trustedOnly lets a trusted peer pass. There is no way to log in, so to all
// others the answer is what KumoMTA says to a client that hasn't: 401.
func (c Config) trustedOnly() func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.trusts(r) {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="troupe"`)
			writeText(w, http.StatusUnauthorized, fmt.Sprintf(
				"<Unauthenticated>@ ip=%s not permitted %s on http_listener/%s%s",
				peerText(r), r.Method, c.listener(r.Context()), r.URL.EscapedPath()))
		})
	}
}

func anyPeer(next http.Handler) http.Handler { return next }

// trusts reports whether the request comes from a trusted host. Only the TCP
// peer counts: a header such as X-Forwarded-For says what its sender likes.
func (c Config) trusts(r *http.Request) bool {
	peer, ok := peerOf(r)
	return ok && slices.ContainsFunc(c.TrustedHosts, func(p netip.Prefix) bool {
		return unmapPrefix(p).Contains(peer)
	})
}

// peerOf is the TCP peer. An IPv4 peer of a dual-stack socket, ::ffff:a.b.c.d,
// is the IPv4 address it is, and an address is the same on every link.
func peerOf(r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	return peer.Addr().Unmap().WithZone(""), true
}

func peerText(r *http.Request) string {
	if peer, ok := peerOf(r); ok {
		return peer.String()
	}
	return "unknown"
}

// unmapPrefix makes ::ffff:10.0.0.0/104 the 10.0.0.0/8 that it means.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	const mapped = 96 // bits before the IPv4 address, RFC 4291 section 2.5.5.2
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p
}

func (c Config) listener(ctx context.Context) string {
	if c.Listener != "" {
		return c.Listener
	}
	if local, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr); ok {
		return local.String()
	}
	return "*"
}
