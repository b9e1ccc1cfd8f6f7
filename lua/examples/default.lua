-- The default policy of Troupe: what it does when it is started without a policy
-- file. Copy it, change the copy, and name it with --proxy-config.
--
-- A policy is a Lua program. It runs from top to bottom when it is loaded, and
-- says with kumo.on what is to happen at which event. A mistake in it, such as a
-- misspelt key, is reported with its line, and nothing is started.

local kumo = require 'kumo'
local proxy = require 'proxy'

-- 'proxy_init' happens once for each load. Here, and only here, listeners are started.
kumo.on('proxy_init', function()
  -- The SOCKS5 listener: an MTA connects here and says in BIND from which of this
  -- machine's addresses it wants to send. On loopback nobody else can use it; to
  -- serve other hosts, name the address they reach, as in '192.0.2.1:1080'.
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',

    -- How long each step of the handshake may take. A number is seconds; a
    -- string has units, as in '1m 30s'.
    timeout = '60s',

    -- How long connecting to a mail server may take. It is shorter than the
    -- minute an MTA waits for the proxy, so that the MTA gets an answer.
    connect_timeout = '50s',

    -- Find out that a host is gone although nobody said goodbye: after five
    -- minutes of silence ask every thirty seconds, and give up after three.
    tcp_keepalive = { time = '5m', interval = '30s', retries = 3 },
  }

  -- The HTTP listener: metrics for Prometheus, the state of the proxy, and
  -- administration. Trusted hosts need no password.
  proxy.start_http_listener {
    listen = '127.0.0.1:8000',
    trusted_hosts = { '127.0.0.1', '::1' },
  }
end)
