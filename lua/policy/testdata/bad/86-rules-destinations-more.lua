local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    deny_destinations = {
      '*:587-25',
      0,
      25.5,
      '25, 587',
      '[2001:db8::1/32]:25',
      '-25',
      true,
    },
  }
end)
