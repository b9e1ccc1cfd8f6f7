local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080', -- for the MTA
    timeout = '30s', -- each step of the handshake
    tcp_keepalive = { time = '5m', interval = '30s', retries = 3 },
  }
  -- metrics for Prometheus, and the state of the proxy
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
