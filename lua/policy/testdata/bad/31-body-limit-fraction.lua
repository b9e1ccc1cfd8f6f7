local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_http_listener {
    request_body_limit = 1.5,
  }
end)
