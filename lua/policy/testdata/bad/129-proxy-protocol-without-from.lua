local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    proxy_protocol = true,
  }
end)
