package reference

import (
	"slices"
	"strings"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// Parameter is a key of the table that a listener function takes.
type Parameter struct {
	// Key is what a policy writes, with the outer key before a dot: "auth_cache.ttl".
	Key string
	// Type is in the notation of LuaLS.
	Type string
	// Default is the Lua text of the value that an absent key stands for, or in
	// parentheses what it is in words. Empty: the key is required.
	Default string
	// Range is what a value must be, in the words of the error about another.
	// Empty: all of the type are good.
	Range string
	Doc   string
}

// The types that parameters share; stubs.go defines them.
const (
	durationType    = "troupe.Duration"
	keySourceType   = "troupe.KeySource"
	addressType     = "string"
	networkType     = "string[]"
	sourceType      = "string|(string|{ network: string, freebind?: boolean })[]"
	destinationType = "(string|integer)[]"
)

const addressRange = "host:port such as '127.0.0.1:1080' or '[::1]:1080'"

const networkRange = "an array of networks such as { '127.0.0.1', '10.0.0.0/8' }"

const httpAddressRange = "host:port such as '127.0.0.1:8000' or '[::1]:8000', or a Unix socket such as 'unix:/run/troupe/admin.sock'"

// tlsParameters are those of both kinds of listener.
func tlsParameters() []Parameter {
	return []Parameter{
		{"use_tls", "boolean", "false", "true or false",
			"Whether clients speak TLS to the listener. 1.2 and 1.3 are spoken. Without tls_certificate the certificate is one of Troupe's own, signed by itself, for hostname."},
		{"tls_certificate", keySourceType, "(none)", "a file name, or a table with key_data, with vault_mount and vault_path, or with event_name and event_args",
			"The certificate, and behind it those that vouch for it, as PEM. Given together with tls_private_key or not at all. It is read when the listener starts and at each reload; one that cannot be read then leaves the one before in use."},
		{"tls_private_key", keySourceType, "(none)", "a file name, or a table with key_data, with vault_mount and vault_path, or with event_name and event_args",
			"The private key of tls_certificate, as PEM."},
		{"tls_client_ca", keySourceType, "(none)", "a file name, or a table with key_data, with vault_mount and vault_path, or with event_name and event_args",
			"Authorities, as PEM. Each client has to show a certificate that one of them has signed. It needs use_tls = true. KumoMTA has no such key."},
	}
}

// balancerParameters are those about a load balancer in front. where says when its
// header comes.
func balancerParameters(where string) []Parameter {
	return []Parameter{
		{"proxy_protocol", "boolean", "false", "true or false",
			"Whether clients come by way of a load balancer that says who they are by a PROXY header, version 1 or 2. " + where +
				" The client's address is that of the header then, in rules, hooks, logs and everywhere. LOCAL stands for the load balancer itself; a client that is not named (UNKNOWN, UNSPEC) is not served. KumoMTA has no such key."},
		{"proxy_protocol_from", networkType, "(none)", networkRange,
			"The load balancers. Whoever comes from elsewhere is closed, and counted as client_refused. It is needed beside proxy_protocol = true. KumoMTA has no such key."},
	}
}

// listenerParameters are those of proxy.start_proxy_listener.
func listenerParameters() []Parameter {
	all := []Parameter{
		{"listen", addressType, "", addressRange,
			"Where clients connect. A name is resolved when the listener starts. Port 0 lets the system choose; the log says which it was. 0.0.0.0 is every IPv4 address of the host, [::] every address."},
		{"hostname", "string", "(the name of the host)", "a name such as 'proxy.example.com'",
			"The name in a certificate of Troupe's own."},
		{"timeout", durationType, "'60s'", "a duration between 1ms and 1h",
			"How long each step of the handshake may take: the TLS handshake, the greeting, the credentials, the request."},
		{"connect_timeout", durationType, "'50s'", "a duration between 1ms and 1h",
			"How long reaching the upstream may take, name resolution included. At most timeout, and timeout if that is shorter than the default. KumoMTA waits 60 s for the proxy: below that, it gets an answer. KumoMTA's proxy has no such key."},
		{"idle_timeout", durationType, "'20m'", "a duration between 0s and 30days",
			"How long nothing may move in a session that has an upstream: no byte from either side, and none that is handed on. Keepalive moves nothing. Then the session is ended, at most a second late, as a failure of the side that was waited for. 0: never. KumoMTA's proxy has no such key."},
		{"half_close_timeout", durationType, "'1m'", "a duration between 0s and 30days",
			"The same once one side has ended its stream, as a failure of the other. 0: as idle_timeout. KumoMTA's proxy has no such key."},
		{"max_session", durationType, "0", "a duration between 0s and 30days",
			"How long a session may last from the moment it has an upstream, whatever moves. 0: for ever. KumoMTA's proxy has no such key."},
		{"user_timeout", durationType, "'15m'", "a duration between 0s and 1day",
			"How long a side may acknowledge nothing of what was sent to it, or have no room for more, before the system gives it up: TCP_USER_TIMEOUT, on Linux; elsewhere it has no effect. It also stands in for tcp_keepalive.retries. 0: as the system is set. KumoMTA's proxy has no such key."},
		{"use_splice", "boolean", "true", "true or false",
			"Whether the Linux kernel moves bulk from socket to socket by itself. It has no effect with TLS and on other systems."},
		{"banner", "boolean", "true", "true or false",
			"Whether the first line of upstreams at the ports 25, 465, 587 and 2525 is read in passing, for the figures of the sources. It is neither held up nor changed. KumoMTA's proxy has no such key."},
	}
	all = append(all, tlsParameters()...)
	all = append(all, balancerParameters("It comes in the clear, before TLS.")...)
	all = append(all, []Parameter{
		{"require_auth", "boolean", "false", "true or false",
			"Whether a client has to give a user name and a password. Without a handler for proxy_server_auth_rfc1929, nobody's are good."},
		{"auth_cache.ttl", durationType, "0", "a duration between 0s and 1day",
			"For how long credentials that the handler found good are good without asking it. A password that is revoked goes on working for that long. KumoMTA's proxy has no auth_cache."},
		{"auth_cache.stale_if_error", durationType, "0", "a duration between 0s and 1day",
			"For how long after the end of ttl an earlier yes stands while the handler fails, as when its database is down. A no never becomes a yes, and ends what was remembered; so does an answer that is nil or of the wrong type."},
	}...)
	all = append(all, authFailureParameters()...)
	all = append(all, commonParameters()...)
	return append(all, ruleParameters()...)
}

// commonParameters are those about connections that all listeners for MTAs have.
func commonParameters() []Parameter {
	return append([]Parameter{
		{"tcp_keepalive.enabled", "boolean", "true", "true or false",
			"Whether the system asks a silent client and a silent upstream whether they are still there."},
		{"tcp_keepalive.time", durationType, "'5m'", "whole seconds between 1 and 32767",
			"The silence before the first question. A fraction of a second is cut off."},
		{"tcp_keepalive.interval", durationType, "'30s'", "whole seconds between 1 and 32767",
			"The time between two questions. A fraction of a second is cut off."},
		{"tcp_keepalive.retries", "integer", "3", "a whole number between 1 and 127",
			"After how many questions without an answer the connection is over."},
		{"destination_series", "integer", "1000", "a whole number between 0 and 100000",
			"How many destinations have a series of their own in proxy_outbound_connections_total; the others share one. 0: all share one. KumoMTA's proxy has no such key."},
		{"destination_idle", durationType, "'15m'", "a duration of at least 1s",
			"For how long a destination without a live session keeps its series. KumoMTA's proxy has no such key."},
	}, limitParameters()...)
}

// forwardParameters are those of proxy.start_forward_listener. What it has in
// common with the listener for SOCKS5 is the same.
func forwardParameters() []Parameter {
	all := slices.DeleteFunc(listenerParameters(), func(p Parameter) bool {
		return p.Key == "hostname" || p.Key == "resolve_names" || strings.HasPrefix(p.Key, "tls_") || p.Key == "use_tls" ||
			strings.HasPrefix(p.Key, "proxy_protocol") || p.Key == "require_auth" || strings.HasPrefix(p.Key, "auth_")
	})
	for i := range all {
		p := &all[i]
		switch p.Key {
		case "timeout":
			p.Doc = "How long the PROXY header may take."
		case "use_splice":
			p.Doc = "Whether the Linux kernel moves bulk from socket to socket by itself. It has no effect on other systems."
		case "allow_clients":
			p.Default, p.Doc = "", "Who may connect. Others are closed without an answer. A header has no password: who may connect may send from every address that allow_sources leaves. { '*' } serves everybody."
		}
		p.Doc = strings.ReplaceAll(p.Doc, "the CONNECT is answered 01", "the connection is reset")
		p.Doc = strings.ReplaceAll(p.Doc, "are answered 02", "are reset")
		p.Doc = strings.ReplaceAll(p.Doc, "is answered 02", "is reset")
	}
	return all
}

// limitParameters are the tables that bound what clients take up. KumoMTA's proxy
// has none of them.
func limitParameters() []Parameter {
	const number = "a whole number between 0 and 100000000"
	const bytesPerSecond = "bytes per second, 0 or a whole number between 1024 and 1000000000000"
	return []Parameter{
		{"limits.connections", "integer", "0", number,
			"How many sessions may be open on the listener. More are closed as they connect. 0, as of all limits: any number."},
		{"limits.connections_per_client", "integer", "0", number,
			"How many may be open from one IPv4 address, or one /64 network of IPv6. More are closed as they connect. Mind mail nodes that share one address."},
		{"limits.new_per_second_per_client", "integer", "0", number,
			"How many may begin in a second from one such client. More are closed as they connect."},
		{"limits.connections_per_user", "integer", "0", number,
			"How many may be open for one name that proxy_server_auth_rfc1929 has given clients. Of more, the CONNECT is answered 01, as of the two below."},
		{"limits.connections_per_source", "integer", "0", number,
			"How many may be open from one sending address that the client, a hook or source names."},
		{"limits.connections_per_destination", "integer", "0", number,
			"How many may be open, or being dialled, to one upstream address. Another address of the same name may do."},
		{"limits.shed_idle", durationType, "0", "a duration between 0s and 30days",
			"How long nothing has moved in a session that waits for its client before it may be ended for want of descriptors or memory, those idle longest first. One that waits for the upstream never is. 0: none is."},
		{"bandwidth.per_session", "integer", "0", bytesPerSecond,
			"How many bytes per second a session may relay towards the client, and as many towards the upstream. 0: as many as it can."},
		{"bandwidth.per_user", "integer", "0", bytesPerSecond,
			"How many all sessions together may that have one name of proxy_server_auth_rfc1929. They take turns."},
	}
}

// authFailureParameters bound the logins that fail. KumoMTA's proxy has none of them.
func authFailureParameters() []Parameter {
	const number = "a whole number between 0 and 100000000"
	return []Parameter{
		{"auth_failures.per_client", "integer", "0", number,
			"After how many failed logins from one client, as limits count clients, all of its logins are refused for a while. 0: never. Mind mail nodes that share one address."},
		{"auth_failures.per_user", "integer", "0", number,
			"After how many failed logins under one name all logins under it are refused for a while. 0: never. Whoever can reach the listener can have a user refused by it."},
		{"auth_failures.within", durationType, "'1m'", "a duration between 1s and 1h",
			"The time in which they are counted, from the first."},
		{"auth_failures.ban", durationType, "'60s'", "a duration between 1s and 1m",
			"For how long logins are refused then."},
	}
}

// httpParameters are those of proxy.start_http_listener.
func httpParameters() []Parameter {
	all := []Parameter{
		{"listen", addressType, "'127.0.0.1:8000'", httpAddressRange,
			"Where the listener is, as for SOCKS5 clients, or a Unix socket for the administration of this host: whoever may write to it is trusted, whatever trusted_hosts and allowed_hosts say. Its directory must be there. The socket is there with its permissions or not at all, takes the place of one that nobody listens on, and goes with the listener. KumoMTA has no Unix socket."},
		{"socket_mode", "string", "('0660' of a Unix socket)", "a mode in four octal digits, '0000' to '0777'",
			"Who may write to the Unix socket, and so connect. KumoMTA has no such key."},
		{"socket_group", "string", "(the group of the process)", "the name of a group such as 'troupe', or its number as a string",
			"The group of the Unix socket. Who is not root has to be in it. KumoMTA has no such key."},
		{"hostname", "string", "(the name of the host)", "a name such as 'proxy.example.com'",
			"The name in a certificate of Troupe's own."},
	}
	all = append(all, tlsParameters()...)
	all = append(all, balancerParameters("It comes in the clear, before TLS. Not of a Unix socket.")...)
	return append(all, []Parameter{
		{"request_body_limit", "integer", "2097152", "a whole number of at least 1",
			"How many bytes the body of a request may have, after decompression."},
		{"trusted_hosts", "string[]", "{ '127.0.0.1', '::1' }", "an array of addresses such as { '127.0.0.1', '10.0.0.0/8' }",
			"Who is served without a password: addresses, networks, or 'any'. An empty table trusts nobody. IPv4 clients of an IPv6 socket count as IPv4."},
		{"allowed_hosts", "string[]", "{}", "an array of host names such as { 'proxy.example.com' }",
			"The names by which clients at a trusted address may call the listener, beside its addresses, localhost and hostname. A browser that was led here under another name is refused. KumoMTA has no such key."},
	}...)
}

// ruleParameters are the rules, which are judged without entering Lua.
func ruleParameters() []Parameter {
	const destinations = "an array of destinations such as { '10.0.0.0/8', '*:25', '[2001:db8::/32]:465-587' }"
	return []Parameter{
		{"allow_clients", networkType, "(see Rules)", networkRange,
			"Who may connect. Others are closed without an answer. An empty table serves nobody; { '*' } serves everybody."},
		{"allow_sources", networkType, "(any)", networkRange,
			"From which addresses of this host a client may ask to send. Others are answered 02."},
		{"allow_destinations", destinationType, "(any)", destinations,
			"Where clients may go. Others are answered 02. A destination is a network, ports such as '*:25' or '*:25,465-587', or both."},
		{"deny_destinations", destinationType, "{}", destinations,
			"Where no client may go. A denial wins over everything, however wide it is."},
		{"allow_local_destinations", "boolean", "false", "true or false",
			"Whether clients from elsewhere may reach loopback, link-local and multicast addresses, those of this host, and the metadata services of clouds. Clients on loopback may in any case."},
		{"source", sourceType, "(chosen by the system)", "an address such as '192.0.2.1', or an array of such and of networks to take one from",
			"The sending address of clients that name none. Of a network, an address in it is derived for each client. " +
				"An entry { network = '2001:db8:1::/64', freebind = true } has its addresses bound without being plumbed (IP_FREEBIND, Linux only), also those that a client or a handler names; nothing notices then that one is missing, so the whole network has to be routed here."},
		{"source_choice", "'sticky'|'round_robin'", "'sticky'", "'sticky' or 'round_robin'",
			"How a source is chosen out of several. sticky: a client has always the same, after a restart and on other hosts too. round_robin: one after the other, of at most 65536 addresses in a network. Only beside source."},
		{"require_source", "boolean", "(true with allow_sources and without source)", "true or false",
			"Whether a client has to name a source before it connects. One that does not is answered 02."},
		{"resolve_names", "boolean", "true", "true or false",
			"Whether a destination may be a name. Otherwise a name is answered 08."},
	}
}

// startsListener gives the class of the parameters of a listener function.
func startsListener(full string) (class string, ok bool) {
	switch full {
	case "proxy.start_proxy_listener", "kumo.start_proxy_listener":
		return listenerClass, true
	case "proxy.start_forward_listener":
		return forwardClass, true
	case "proxy.start_http_listener", "kumo.start_proxy_http_listener":
		return httpClass, true
	}
	return "", false
}

// The classes of tables that policies write.
const (
	listenerClass = "proxy.ListenerParameters"
	forwardClass  = "proxy.ForwardListenerParameters"
	httpClass     = "proxy.HTTPListenerParameters"
)

// signature is how a policy would call a function, with its types.
func signature(full string, f spec.Function) string {
	text := full + "("
	for i, p := range f.Params {
		if i > 0 {
			text += ", "
		}
		text += p.Name + ": " + parameterType(full, p)
	}
	text += ")"
	for i, r := range f.Results {
		if i == 0 {
			text += ": "
		} else {
			text += ", "
		}
		text += r.Type
	}
	return text
}

// parameterType is the type of a parameter; that of a listener's table is known
// better than its function says.
func parameterType(full string, p spec.Param) string {
	if class, ok := startsListener(full); ok && p.Type == "table" {
		return class
	}
	return p.Type
}
