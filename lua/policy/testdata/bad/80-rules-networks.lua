local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    allow_clients = {
      '127.0.0.1',
      '10.1.2.3/8',
      'mta1.example.com',
      '2001:db8::1/32',
      '10.0.0.0/33',
      '10.0.0.0/8:25',
      ' 10.0.0.0/8',
      'fe80::1%eth0',
      '',
      25,
    },
  }
end)
