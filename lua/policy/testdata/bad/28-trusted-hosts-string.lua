local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_http_listener {
    trusted_hosts = '10.0.0.0/8',
  }
end)
