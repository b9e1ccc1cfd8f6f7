package policy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/lua/duration"
)

// Setting is a parameter of a listener. Value is as a policy could have written it;
// of a key source it says where the key is, and never what it is.
type Setting struct{ Key, Value string }

func (s Setting) String() string { return s.Key + " = " + s.Value }

// Settings are the parameters that differ from their defaults, in the order of the
// reference. The address is not among them.
func (l *Listener) Settings() []Setting {
	d := defaultListener(l.At)
	d.ConnectTimeout = min(connectTimeout, l.Timeout)
	var s settings
	addTo(&s, "hostname", l.Hostname, d.Hostname, quoted)
	addTo(&s, "timeout", l.Timeout, d.Timeout, shownDuration)
	addTo(&s, "connect_timeout", l.ConnectTimeout, d.ConnectTimeout, shownDuration)
	addTo(&s, "idle_timeout", l.Relay.Idle, d.Relay.Idle, shownDuration)
	addTo(&s, "half_close_timeout", l.Relay.HalfClosed, d.Relay.HalfClosed, shownDuration)
	addTo(&s, "max_session", l.Relay.Most, d.Relay.Most, shownDuration)
	addTo(&s, "user_timeout", l.Relay.Unacknowledged, d.Relay.Unacknowledged, shownDuration)
	addTo(&s, "use_splice", l.UseSplice, d.UseSplice, strconv.FormatBool)
	addTo(&s, "banner", l.Banner, d.Banner, strconv.FormatBool)
	s.tls(l.UseTLS, l.TLSCertificate, l.TLSPrivateKey, l.TLSClientCA)
	s.balancer(l.ProxyProtocol, l.ProxyProtocolFrom)
	addTo(&s, "require_auth", l.RequireAuth, d.RequireAuth, strconv.FormatBool)
	addTo(&s, "auth_cache.ttl", l.AuthCache.TTL, d.AuthCache.TTL, shownDuration)
	addTo(&s, "auth_cache.stale_if_error", l.AuthCache.StaleIfError, d.AuthCache.StaleIfError, shownDuration)
	addTo(&s, "tcp_keepalive.enabled", l.KeepAlive.Enabled, d.KeepAlive.Enabled, strconv.FormatBool)
	addTo(&s, "tcp_keepalive.time", l.KeepAlive.Time, d.KeepAlive.Time, shownDuration)
	addTo(&s, "tcp_keepalive.interval", l.KeepAlive.Interval, d.KeepAlive.Interval, shownDuration)
	addTo(&s, "tcp_keepalive.retries", l.KeepAlive.Retries, d.KeepAlive.Retries, strconv.Itoa)
	addTo(&s, "destination_series", l.DestinationSeries, d.DestinationSeries, strconv.Itoa)
	addTo(&s, "destination_idle", l.DestinationIdle, d.DestinationIdle, shownDuration)
	s.limits(&l.Limits)
	addTo(&s, "bandwidth.per_session", l.Bandwidth.PerSession, 0, shownWhole)
	addTo(&s, "bandwidth.per_user", l.Bandwidth.PerUser, 0, shownWhole)
	addTo(&s, "auth_failures.per_client", l.AuthFailures.PerClient, d.AuthFailures.PerClient, strconv.Itoa)
	addTo(&s, "auth_failures.per_user", l.AuthFailures.PerUser, d.AuthFailures.PerUser, strconv.Itoa)
	addTo(&s, "auth_failures.within", l.AuthFailures.Within, d.AuthFailures.Within, shownDuration)
	addTo(&s, "auth_failures.ban", l.AuthFailures.Ban, d.AuthFailures.Ban, shownDuration)
	s.rules(&l.Rules)
	return s
}

// Settings are as those of a Listener.
func (h *HTTPListener) Settings() []Setting {
	d := defaultHTTP(h.At)
	var s settings
	if _, ok := h.UnixSocket(); ok {
		addTo(&s, "socket_mode", h.SocketMode, socketMode, shownMode)
		addTo(&s, "socket_group", h.SocketGroup, "", quoted)
	}
	addTo(&s, "hostname", h.Hostname, d.Hostname, quoted)
	s.tls(h.UseTLS, h.TLSCertificate, h.TLSPrivateKey, h.TLSClientCA)
	s.balancer(h.ProxyProtocol, h.ProxyProtocolFrom)
	addTo(&s, "request_body_limit", h.RequestBodyLimit, d.RequestBodyLimit, shownWhole)
	if trusted, usual := shownTrusted(h.TrustedHosts), shownTrusted(d.TrustedHosts); trusted != usual {
		s = append(s, Setting{"trusted_hosts", trusted})
	}
	if len(h.AllowedHosts) > 0 {
		s = append(s, Setting{"allowed_hosts", shownNames(h.AllowedHosts)})
	}
	return s
}

type settings []Setting

// addTo adds a parameter that is not what it is by default.
func addTo[T comparable](s *settings, key string, value, usual T, show func(T) string) {
	if value != usual {
		*s = append(*s, Setting{key, show(value)})
	}
}

func (s *settings) tls(use bool, certificate, privateKey, clientCA tlsconf.KeySource) {
	addTo(s, "use_tls", use, false, strconv.FormatBool)
	for _, one := range []struct {
		key    string
		source tlsconf.KeySource
	}{{"tls_certificate", certificate}, {"tls_private_key", privateKey}, {"tls_client_ca", clientCA}} {
		if one.source.IsSet() {
			*s = append(*s, Setting{one.key, one.source.String()})
		}
	}
}

func (s *settings) limits(l *Limits) {
	for _, one := range []struct {
		key   string
		value int
	}{
		{"limits.connections", l.Connections},
		{"limits.connections_per_client", l.ConnectionsPerClient},
		{"limits.new_per_second_per_client", l.NewPerSecondPerClient},
		{"limits.connections_per_user", l.ConnectionsPerUser},
		{"limits.connections_per_source", l.ConnectionsPerSource},
		{"limits.connections_per_destination", l.ConnectionsPerDestination},
	} {
		addTo(s, one.key, one.value, 0, strconv.Itoa)
	}
	addTo(s, "limits.shed_idle", l.ShedIdle, 0, shownDuration)
}

func (s *settings) balancer(use bool, from []rules.Network) {
	addTo(s, "proxy_protocol", use, false, strconv.FormatBool)
	addList(s, rules.ProxyProtocolFrom, from)
}

func (s *settings) rules(r *rules.Spec) {
	addList(s, rules.AllowClients, r.AllowClients)
	addList(s, rules.AllowSources, r.AllowSources)
	addList(s, rules.AllowDestinations, r.AllowDestinations)
	addList(s, rules.DenyDestinations, r.DenyDestinations)
	addTo(s, string(rules.AllowLocalDestinations), r.AllowLocalDestinations, false, strconv.FormatBool)
	addSources(s, r.Source)
	if r.SourceChoice != rules.NoChoice {
		*s = append(*s, Setting{string(rules.SourceChoice), quoted(r.SourceChoice.String())})
	}
	if r.RequireSource != nil {
		*s = append(*s, Setting{string(rules.RequireSource), strconv.FormatBool(*r.RequireSource)})
	}
	addTo(s, string(rules.ResolveNames), !r.ForbidNames, true, strconv.FormatBool)
}

// addList adds a list that was given; an empty one is, and has nobody in it.
func addList[T fmt.Stringer](s *settings, key rules.Key, list []T) {
	if list == nil {
		return
	}
	all := make([]string, len(list))
	for i, entry := range list {
		all[i] = quoted(entry.String())
	}
	*s = append(*s, Setting{string(key), braced(all)})
}

// addSources is addList for the entries of source, some of which are tables.
func addSources(s *settings, list []rules.Network) {
	if list == nil {
		return
	}
	all := make([]string, len(list))
	for i, entry := range list {
		all[i] = quoted(entry.String())
		if entry.Freebind() {
			all[i] = "{ network = " + all[i] + ", freebind = true }"
		}
	}
	*s = append(*s, Setting{string(rules.Source), braced(all)})
}

func shownTrusted(list []netip.Prefix) string {
	all := make([]string, len(list))
	for i, p := range list {
		all[i] = quoted(p.String())
		if p.IsSingleIP() {
			all[i] = quoted(p.Addr().String())
		}
	}
	return braced(all)
}

func braced(all []string) string {
	if len(all) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(all, ", ") + " }"
}

func shownWhole(n int64) string { return strconv.FormatInt(n, 10) }

func shownDuration(d time.Duration) string { return quoted(duration.Format(d)) }

// quoted is a text between the quotes of Lua.
func quoted(text string) string {
	q := strconv.Quote(text)
	return "'" + strings.ReplaceAll(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`), "'", `\'`) + "'"
}

func shownNames(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = quoted(name)
	}
	return braced(all)
}
