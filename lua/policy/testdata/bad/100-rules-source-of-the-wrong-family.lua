local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    allow_destinations = { '192.0.2.0/24', '198.51.100.1:25' },
    source = '2001:db8::1',
  }
end)
