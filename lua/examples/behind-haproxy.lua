-- A load balancer in front: HAProxy spreads clients over several hosts with Troupe,
-- and says by a PROXY header who each client is. In haproxy.cfg:
--
--   listen socks
--     mode tcp
--     bind :1080
--     server troupe1 10.0.1.1:1080 check send-proxy-v2
--     server troupe2 10.0.1.2:1080 check send-proxy-v2
--
-- Rules, hooks, logs and metrics go by the client's own address then. A header may
-- say anything, so it is believed of the load balancer alone; who comes from
-- elsewhere is closed.

local kumo = require 'kumo'
local proxy = require 'proxy'

local HAPROXY = { '10.0.1.250', '10.0.1.251' }

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    proxy_protocol = true,
    proxy_protocol_from = HAPROXY,
    -- The clients behind it, and the load balancer itself for its checks.
    allow_clients = { '10.0.0.0/24', '10.0.1.250', '10.0.1.251' },
  }
  proxy.start_http_listener {
    listen = '0.0.0.0:8000',
    proxy_protocol = true,
    proxy_protocol_from = HAPROXY,
    trusted_hosts = { '10.0.0.2' }, -- Prometheus, by way of the load balancer
  }
  -- For this host.
  proxy.start_http_listener { listen = '127.0.0.1:8001' }
end)
