local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    allow_sources = { '192.0.2.0/25', '192.0.2.128/25', '2001:db8::/64' },
    source = {
      '192.0.2.0/24',
      '198.51.100.1',
      '2001:db8::/63',
    },
  }
end)
