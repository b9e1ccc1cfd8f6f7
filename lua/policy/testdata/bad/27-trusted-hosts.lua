local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_http_listener {
    trusted_hosts = {
      '127.0.0.1',
      '10.1.2.3/8',
      'localhost',
      '2001:db8::1/32',
      7,
      '10.0.0.0/33',
    },
  }
end)
