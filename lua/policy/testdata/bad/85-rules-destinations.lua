local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    allow_destinations = {
      '*:0',
      '192.0.2.1:65536',
      '192.0.2.1:smtp',
      '192.0.2.1:',
      ':25',
      'mx.example.com:25',
      '2001:db8::/32:25',
      '[2001:db8::]/32:25',
      '[192.0.2.1]:25',
      '192.0.2.1/24:25',
    },
  }
end)
