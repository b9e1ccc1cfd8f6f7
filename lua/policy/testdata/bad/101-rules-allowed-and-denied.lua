local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    deny_destinations = { '10.0.0.0/8', 25 },
    allow_destinations = {
      '10.1.0.0/16',
      '192.0.2.0/24:25',
      '192.0.2.0/24:25-26',
    },
  }
end)
