local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  kumo.start_proxy_http_listener { listen = '[::1]:8000' }
  proxy.start_proxy_listener {
    listen = '[0:0:0:0:0:0:0:1]:8000',
  }
end)
