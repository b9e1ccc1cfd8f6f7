-- The policy of the container image: mount your own over /etc/troupe/policy.lua. It
-- serves private networks and those the container is connected to, as a
-- listener without `allow_clients` does.
local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    allow_destinations = { '*:25', '*:465', '*:587', '*:2525' },
  }
  -- For Prometheus, in the same private network.
  proxy.start_http_listener {
    listen = '0.0.0.0:8000',
    trusted_hosts = { '127.0.0.1', '::1', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16' },
    allowed_hosts = { 'troupe' },
  }
  -- For `troupe status` in the container, which is its health check.
  proxy.start_http_listener { listen = 'unix:/run/troupe/admin.sock', socket_mode = '0600' }
end)
