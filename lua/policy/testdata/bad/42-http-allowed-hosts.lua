local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_http_listener {
    allowed_hosts = {
      'proxy.example.com',
      'http://proxy.example.com',
      'proxy.example.com:8000',
      '',
      7,
    },
  }
end)
