-- For mail servers that speak no SOCKS but the PROXY protocol: Momentum, Halon,
-- GreenArrow, PowerMTA, and KumoMTA with ha_proxy_server. What they had HAProxy do
-- with accept-proxy and usesrc clientip, this listener does: it connects to the
-- destination that the header names, from its source.
--
-- There are no passwords in that protocol. Who may connect may send from all of
-- allow_sources, so the mail servers are named one by one.

local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_forward_listener {
    listen = '0.0.0.0:2526',
    allow_clients = { '10.0.0.7', '10.0.0.8' },
    allow_sources = { '192.0.2.0/28' },
    allow_destinations = { '*:25' },
  }
  -- Those that speak SOCKS5 come in beside them, by the same rules.
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    allow_clients = { '10.0.0.9' },
    allow_sources = { '192.0.2.0/28' },
    allow_destinations = { '*:25' },
  }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
