local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '::1:1080',
  }
end)
