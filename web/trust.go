package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trustedHosts lets a trusted peer use any route, and others what is for
// everyone. There is no other way to say who one is, so to the rest the answer is
// what KumoMTA says to a client that has not logged in: 401.
func (c Config) trustedHosts(route Route) http.Handler {
	if route.Needs == Everyone {
		return route.Handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !c.trustsAddress(r):
			w.Header().Set("WWW-Authenticate", `Basic realm="troupe"`)
			writeText(w, http.StatusUnauthorized, fmt.Sprintf(
				"<Unauthenticated>@ ip=%s not permitted %s on http_listener/%s%s",
				peerText(r), r.Method, c.listener(r.Context()), r.URL.EscapedPath()))
		case !c.ownName(r):
			writeForeignHost(w, r)
		default:
			route.Handler.ServeHTTP(w, r)
		}
	})
}

// trusts reports whether the request comes from a trusted host, and not from a
// page that a browser there has open.
func (c Config) trusts(r *http.Request) bool { return c.trustsAddress(r) && c.ownName(r) }

// trustsAddress reports whether the peer is a trusted host, or came by a Unix
// socket, whose file says who may. Only the peer counts: a header such as
// X-Forwarded-For says what its sender likes.
func (c Config) trustsAddress(r *http.Request) bool {
	peer, ok := peerOf(r)
	return overUnixSocket(r) || ok && slices.ContainsFunc(c.TrustedHosts, func(p netip.Prefix) bool {
		return unmapPrefix(p).Contains(peer)
	})
}

// overUnixSocket reports whether the request came by a Unix socket.
func overUnixSocket(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// ownName reports whether the request asks under a name of this host. On a Unix
// socket any name will do: no page in a browser gets there.
func (c Config) ownName(r *http.Request) bool { return overUnixSocket(r) || c.ownHost(r.Host) }

// ownHost reports whether a Host header names this host. Anybody can have a name
// of theirs resolve to 127.0.0.1 and a browser there ask under it, for a page of
// theirs that reads the answer: a trusted address says nothing about such a
// request. Nobody can do that with an address.
func (c Config) ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = strings.TrimSuffix(host, ".") // a name may be written with its root
	if host == "" {
		return false
	}
	return slices.ContainsFunc(append([]string{"localhost", c.Hostname}, c.AllowedHosts...), func(own string) bool {
		return strings.EqualFold(host, strings.TrimSuffix(own, "."))
	})
}

// mostQuoted is how many bytes of what a client sent are said back to it.
const mostQuoted = 100

func writeForeignHost(w http.ResponseWriter, r *http.Request) {
	writeError(w, http.StatusForbidden, fmt.Sprintf("a trusted host may ask by address, as localhost, "+
		"by the listener's hostname or by a name in its allowed_hosts, and not as %q", cut(r.Host)))
}

func cut(s string) string { return s[:min(len(s), mostQuoted)] }

// newOriginCheck refuses what a browser wants to change for a page of another
// origin. What is no browser is not its business.
func newOriginCheck() *http.CrossOriginProtection {
	check := http.NewCrossOriginProtection()
	check.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusForbidden, r.Method+" is not allowed from a page of another origin")
	}))
	return check
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
	if overUnixSocket(r) {
		return "local"
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
