local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    tcp_keepalive = {
      enabled = 'on',
      time = '999ms',
      interval = 40000,
      retries = 2.5,
    },
  }
end)
