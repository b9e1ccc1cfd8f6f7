-- The policy of Troupe on this host: where it listens, who may use it, and where
-- mail may go. It is a Lua program; docs/policy.md says all that it can do.
--
--   troupe check /etc/troupe/policy.lua    is it right, and what would it start?
--   systemctl reload troupe                put it in force; sessions go on
--
-- As it is, programs on this host alone can use the proxy. To serve others, let
-- `listen` name an address that they reach, and say in `allow_clients` who they are.
--
-- A line that begins with `--` and a word, with no space between, is a parameter at
-- its default: remove the dashes to change it.

local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  -- SOCKS5: an MTA connects here and says in BIND which address of this host the
  -- mail is to leave from.
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',

    -- Mail and nothing else: SMTP, submission over TLS, submission, and the port that
    -- stands in for 25 where that is closed. Remove this line to allow every port.
    allow_destinations = { '*:25', '*:465', '*:587', '*:2525' },

    -- The name in a certificate of Troupe's own.
    -- hostname: the name of the host

    -- How long each step of the handshake may take: the TLS handshake, the greeting, the
    -- credentials, the request.
    --timeout = '60s',

    -- How long reaching the upstream may take, name resolution included. At most timeout,
    -- and timeout if that is shorter than the default. KumoMTA waits 60 s for the proxy:
    -- below that, it gets an answer. KumoMTA's proxy has no such key.
    --connect_timeout = '50s',

    -- How long nothing may move in a session that has an upstream: no byte from either side,
    -- and none that is handed on. Keepalive moves nothing. Then the session is ended, at
    -- most a second late, as a failure of the side that was waited for. 0: never. KumoMTA's
    -- proxy has no such key.
    --idle_timeout = '20m',

    -- The same once one side has ended its stream, as a failure of the other. 0: as
    -- idle_timeout. KumoMTA's proxy has no such key.
    --half_close_timeout = '1m',

    -- How long a session may last from the moment it has an upstream, whatever moves. 0: for
    -- ever. KumoMTA's proxy has no such key.
    --max_session = 0,

    -- How long a side may acknowledge nothing of what was sent to it, or have no room for
    -- more, before the system gives it up: TCP_USER_TIMEOUT, on Linux; elsewhere it has no
    -- effect. It also stands in for tcp_keepalive.retries. 0: as the system is set.
    -- KumoMTA's proxy has no such key.
    --user_timeout = '15m',

    -- Whether the Linux kernel moves bulk from socket to socket by itself. It has no effect
    -- with TLS and on other systems.
    --use_splice = true,

    -- Whether the first line of upstreams at the ports 25, 465, 587 and 2525 is read in
    -- passing, for the figures of the sources. It is neither held up nor changed. KumoMTA's
    -- proxy has no such key.
    --banner = true,

    -- Whether clients speak TLS to the listener. 1.2 and 1.3 are spoken. Without
    -- tls_certificate the certificate is one of Troupe's own, signed by itself, for
    -- hostname.
    --use_tls = false,

    -- The certificate, and behind it those that vouch for it, as PEM. Given together with
    -- tls_private_key or not at all. It is read when the listener starts and at each reload;
    -- one that cannot be read then leaves the one before in use.
    -- tls_certificate: none

    -- The private key of tls_certificate, as PEM.
    -- tls_private_key: none

    -- Authorities, as PEM. Each client has to show a certificate that one of them has
    -- signed. It needs use_tls = true. KumoMTA has no such key.
    -- tls_client_ca: none

    -- Whether clients come by way of a load balancer that says who they are by a PROXY
    -- header, version 1 or 2. It comes in the clear, before TLS. The client's address is
    -- that of the header then, in rules, hooks, logs and everywhere. LOCAL stands for the
    -- load balancer itself; a client that is not named (UNKNOWN, UNSPEC) is not served.
    -- KumoMTA has no such key.
    --proxy_protocol = false,

    -- The load balancers. Whoever comes from elsewhere is closed, and counted as
    -- client_refused. It is needed beside proxy_protocol = true. KumoMTA has no such key.
    -- proxy_protocol_from: none

    -- Whether a client has to give a user name and a password. Without a handler for
    -- proxy_server_auth_rfc1929, nobody's are good.
    --require_auth = false,

    --auth_cache = {
      -- For how long credentials that the handler found good are good without asking it. A
      -- password that is revoked goes on working for that long. KumoMTA's proxy has no
      -- auth_cache.
      --ttl = 0,
      -- For how long after the end of ttl an earlier yes stands while the handler fails, as
      -- when its database is down. A no never becomes a yes, and ends what was remembered; so
      -- does an answer that is nil or of the wrong type.
      --stale_if_error = 0,
    --},

    --auth_failures = {
      -- After how many failed logins from one client, as limits count clients, all of its
      -- logins are refused for a while. 0: never. Mind mail nodes that share one address.
      --per_client = 0,
      -- After how many failed logins under one name all logins under it are refused for a
      -- while. 0: never. Whoever can reach the listener can have a user refused by it.
      --per_user = 0,
      -- The time in which they are counted, from the first.
      --within = '1m',
      -- For how long logins are refused then.
      --ban = '60s',
    --},

    --tcp_keepalive = {
      -- Whether the system asks a silent client and a silent upstream whether they are still
      -- there.
      --enabled = true,
      -- The silence before the first question. A fraction of a second is cut off.
      --time = '5m',
      -- The time between two questions. A fraction of a second is cut off.
      --interval = '30s',
      -- After how many questions without an answer the connection is over.
      --retries = 3,
    --},

    -- How many destinations have a series of their own in proxy_outbound_connections_total;
    -- the others share one. 0: all share one. KumoMTA's proxy has no such key.
    --destination_series = 1000,

    -- For how long a destination without a live session keeps its series. KumoMTA's proxy
    -- has no such key.
    --destination_idle = '15m',

    --limits = {
      -- How many sessions may be open on the listener. More are closed as they connect. 0, as
      -- of all limits: any number.
      --connections = 0,
      -- How many may be open from one IPv4 address, or one /64 network of IPv6. More are
      -- closed as they connect. Mind mail nodes that share one address.
      --connections_per_client = 0,
      -- How many may begin in a second from one such client. More are closed as they connect.
      --new_per_second_per_client = 0,
      -- How many may be open for one name that proxy_server_auth_rfc1929 has given clients. Of
      -- more, the CONNECT is answered 01, as of the two below.
      --connections_per_user = 0,
      -- How many may be open from one sending address that the client, a hook or source names.
      --connections_per_source = 0,
      -- How many may be open, or being dialled, to one upstream address. Another address of
      -- the same name may do.
      --connections_per_destination = 0,
      -- How long nothing has moved in a session that waits for its client before it may be
      -- ended for want of descriptors or memory, those idle longest first. One that waits for
      -- the upstream never is. 0: none is.
      --shed_idle = 0,
    --},

    --bandwidth = {
      -- How many bytes per second a session may relay towards the client, and as many towards
      -- the upstream. 0: as many as it can.
      --per_session = 0,
      -- How many all sessions together may that have one name of proxy_server_auth_rfc1929.
      -- They take turns.
      --per_user = 0,
    --},

    -- Who may connect. Others are closed without an answer. An empty table serves nobody; {
    -- '*' } serves everybody.
    -- allow_clients: see Rules

    -- From which addresses of this host a client may ask to send. Others are answered 02.
    -- allow_sources: any

    -- Where no client may go. A denial wins over everything, however wide it is.
    --deny_destinations = {},

    -- Whether clients from elsewhere may reach loopback, link-local and multicast addresses,
    -- those of this host, and the metadata services of clouds. Clients on loopback may in
    -- any case.
    --allow_local_destinations = false,

    -- The sending address of clients that name none. Of a network, an address in it is
    -- derived for each client. An entry { network = '2001:db8:1::/64', freebind = true } has
    -- its addresses bound without being plumbed (IP_FREEBIND, Linux only), also those that a
    -- client or a handler names; nothing notices then that one is missing, so the whole
    -- network has to be routed here.
    -- source: chosen by the system

    -- How a source is chosen out of several. sticky: a client has always the same, after a
    -- restart and on other hosts too. round_robin: one after the other, of at most 65536
    -- addresses in a network. Only beside source.
    --source_choice = 'sticky',

    -- Whether a client has to name a source before it connects. One that does not is
    -- answered 02.
    -- require_source: true with allow_sources and without source

    -- Whether a destination may be a name. Otherwise a name is answered 08.
    --resolve_names = true,
  }

  -- Metrics for Prometheus, status and pages for people, on this host alone. For a
  -- Prometheus elsewhere, let `listen` name an address and `trusted_hosts` its own.
  proxy.start_http_listener {
    listen = '127.0.0.1:8000',

    -- The name in a certificate of Troupe's own.
    -- hostname: the name of the host

    -- Whether clients speak TLS to the listener. 1.2 and 1.3 are spoken. Without
    -- tls_certificate the certificate is one of Troupe's own, signed by itself, for
    -- hostname.
    --use_tls = false,

    -- The certificate, and behind it those that vouch for it, as PEM. Given together with
    -- tls_private_key or not at all. It is read when the listener starts and at each reload;
    -- one that cannot be read then leaves the one before in use.
    -- tls_certificate: none

    -- The private key of tls_certificate, as PEM.
    -- tls_private_key: none

    -- Authorities, as PEM. Each client has to show a certificate that one of them has
    -- signed. It needs use_tls = true. KumoMTA has no such key.
    -- tls_client_ca: none

    -- Whether clients come by way of a load balancer that says who they are by a PROXY
    -- header, version 1 or 2. It comes in the clear, before TLS. Not of a Unix socket. The
    -- client's address is that of the header then, in rules, hooks, logs and everywhere.
    -- LOCAL stands for the load balancer itself; a client that is not named (UNKNOWN,
    -- UNSPEC) is not served. KumoMTA has no such key.
    --proxy_protocol = false,

    -- The load balancers. Whoever comes from elsewhere is closed, and counted as
    -- client_refused. It is needed beside proxy_protocol = true. KumoMTA has no such key.
    -- proxy_protocol_from: none

    -- How many bytes the body of a request may have, after decompression.
    --request_body_limit = 2097152,

    -- Who is served without a password: addresses, networks, or 'any'. An empty table trusts
    -- nobody. IPv4 clients of an IPv6 socket count as IPv4.
    --trusted_hosts = { '127.0.0.1', '::1' },

    -- The names by which clients at a trusted address may call the listener, beside its
    -- addresses, localhost and hostname. A browser that was led here under another name is
    -- refused. KumoMTA has no such key.
    --allowed_hosts = {},
  }

  -- Administration of this host: `troupe status` and the other commands come here.
  -- Root and the members of the group troupe may use it.
  proxy.start_http_listener {
    listen = 'unix:/run/troupe/admin.sock',
    socket_mode = '0660',
    socket_group = 'troupe',
  }

  -- One line of JSON for each session; logrotate is set up for it.
  --proxy.configure_access_log { path = '/var/log/troupe/access.log' }
end)
