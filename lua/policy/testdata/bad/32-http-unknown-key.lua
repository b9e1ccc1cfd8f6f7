local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_http_listener {
    trusted_host = { '127.0.0.1' },
  }
end)
