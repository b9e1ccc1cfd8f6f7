package policy

import (
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"time"

	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/lua/modules/core"
)

// Policy is what one run of proxy_init asked for. It is never changed after Load.
// Whoever loaded it closes it.
type Policy struct {
	// Name is the path of the file, "(default policy)" for the built-in one, or
	// "(command line)" for the legacy flags.
	Name string
	// SHA256 of the policy file's bytes, lower-case hex. Required files are not in
	// it. Empty when there is no file.
	SHA256    string
	Listeners []Listener
	HTTP      []HTTPListener
	// Groups are those of destinations; nil: there are none.
	Groups *groups.Table
	// Files are all that were read, sorted: the policy, if it is a file, and what it
	// requires.
	Files []string
	// Hooks calls the handlers. Nil for the flags.
	Hooks *Hooks

	globs *core.Globs
}

// Close ends the hooks, and with them what the policy has running. See
// Hooks.Close.
func (p *Policy) Close() { p.Hooks.Close() }

// Watched are the files whose change may change the policy: those it was read
// from, and those that match the patterns of kumo.set_config_monitor_globs now,
// sorted. It walks through directories, until ctx ends.
func (p *Policy) Watched(ctx context.Context) ([]string, error) {
	all := slices.Clone(p.Files)
	if p.globs != nil {
		matching, err := p.globs.Files(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, matching...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Monitored reports whether the policy has said, by kumo.set_config_monitor_globs,
// which files are to be watched for changes. KumoMTA's own pattern does not count:
// every policy has it.
func (p *Policy) Monitored() bool {
	return p.globs != nil && !slices.Equal(p.globs.Patterns(), core.NewGlobs().Patterns())
}

// Position is a place in a policy file; Line counts from 1, and is 0 when the
// file as a whole is meant, or no file at all but the command line.
type Position struct {
	File string
	Line int
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Listener is one call of proxy.start_proxy_listener or proxy.start_forward_listener.
// Defaults are filled in.
type Listener struct {
	At Position
	// Forward: clients say by a PROXY header where they go and from which source,
	// and speak no SOCKS. Then there is no TLS and no authentication, and
	// Rules.AllowClients is not nil.
	Forward bool
	// Listen is host:port as written; the host may be a name, resolved when
	// the socket is opened. Port 0 lets the kernel choose.
	Listen string
	// Hostname is the name for a certificate of our own. Default the machine's.
	Hostname string
	// Timeout bounds each step of the handshake. Default 60 s, range 1 ms..1 h.
	Timeout time.Duration
	// ConnectTimeout bounds dialling; never above Timeout. Default 50 s, or
	// Timeout when that is shorter. At least 1 ms.
	ConnectTimeout time.Duration
	Relay          Relay
	UseSplice      bool
	// Banner: the first line of upstreams at the ports of mail servers is read in
	// passing. Default true.
	Banner bool
	// ProxyProtocol: clients come by way of a load balancer, which says by a PROXY
	// header who they are. Only those at ProxyProtocolFrom are served, which is not
	// nil then. The header comes ahead of TLS. Not with Forward.
	ProxyProtocol     bool
	ProxyProtocolFrom []rules.Network
	RequireAuth       bool
	AuthCache         AuthCache
	KeepAlive         KeepAlive
	// UseTLS: clients speak TLS to the listener.
	UseTLS bool
	// TLSCertificate and TLSPrivateKey are both given or neither; with neither, the
	// certificate is one of our own for Hostname. They are read when the socket
	// is opened and at each reload, not by this package.
	TLSCertificate, TLSPrivateKey tlsconf.KeySource
	// TLSClientCA are the authorities of which one must have signed the
	// certificate that the client shows. Not set: none is asked for. Set only
	// with UseTLS.
	TLSClientCA tlsconf.KeySource
	// DestinationSeries is how many destinations have a series of their own in
	// proxy_outbound_connections_total. Default 1000, range 0..100000.
	DestinationSeries int
	// DestinationIdle is how long a destination without a live session keeps
	// its series. Default 15 min, at least 1 s.
	DestinationIdle time.Duration
	// Limits is how much of the listener there is for each. Default: no limit.
	Limits Limits
	// Bandwidth is how fast sessions relay. Default: as fast as they can.
	Bandwidth Bandwidth
	// AuthFailures is when logins that failed lead to a ban. Default: never.
	AuthFailures AuthFailures
	// Rules is who may use the listener, from which source and for which
	// destinations. It passed its Check.
	Rules rules.Spec
}

// Relay is what a session that has an upstream is held to; zero is no limit.
type Relay struct {
	// Idle is how long no byte may move. Default 20 min, at most 30 days.
	Idle time.Duration
	// HalfClosed is the same once one side has ended its stream. Default 1 min, at
	// most 30 days.
	HalfClosed time.Duration
	// Most is how long the relay may last. Default none, at most 30 days.
	Most time.Duration
	// Unacknowledged is how long a peer may take nothing of what was sent to it.
	// Whole milliseconds. Default 15 min, at most 24 h.
	Unacknowledged time.Duration
}

// AuthCache is the auth_cache table: for how long credentials that the policy has
// vouched for need not be asked about again. Both are at most 24 h; zero, the
// default, asks each time.
type AuthCache struct {
	// TTL is how long nobody is asked.
	TTL time.Duration
	// StaleIfError is how long after the end of TTL an earlier yes stands while the
	// handler fails. An answer never becomes a yes, see ErrAnswer.
	StaleIfError time.Duration
}

// KeepAlive is the tcp_keepalive table: whole seconds in 1..32767, Retries 1..127.
type KeepAlive struct {
	Enabled  bool
	Time     time.Duration
	Interval time.Duration
	Retries  int
}

// HTTPListener is one call of proxy.start_http_listener. Defaults are filled in.
type HTTPListener struct {
	At Position
	// Listen is as in Listener, or UnixPrefix and a path. Default 127.0.0.1:8000.
	Listen string
	// SocketMode is that of a Unix socket, 0 to 0777; default 0660. SocketGroup is
	// its group by name or number; empty: that of the process.
	SocketMode  fs.FileMode
	SocketGroup string
	Hostname    string
	// RequestBodyLimit is in bytes, after decompression. Default 2 MiB, at least 1.
	RequestBodyLimit int64
	// TrustedHosts are the networks whose clients need no password. Default
	// 127.0.0.1 and ::1; empty trusts nobody. IPv4-mapped IPv6 is unmapped.
	TrustedHosts []netip.Prefix
	// AllowedHosts are the names by which clients at a trusted address may call the
	// listener, beside Hostname, localhost and IP addresses: a request with another
	// name in Host may be a web page's that had its name resolve to us.
	AllowedHosts []string
	// UseTLS and the sources are as in Listener.
	UseTLS                        bool
	TLSCertificate, TLSPrivateKey tlsconf.KeySource
	TLSClientCA                   tlsconf.KeySource
	// ProxyProtocol and ProxyProtocolFrom are as in Listener, and the header comes
	// before TLS. TrustedHosts is about the client that it names. Not of a Unix socket.
	ProxyProtocol     bool
	ProxyProtocolFrom []rules.Network
}
