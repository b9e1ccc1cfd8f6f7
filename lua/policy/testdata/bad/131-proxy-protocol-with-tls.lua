local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    use_tls = true,
    proxy_protocol = true,
    proxy_protocol_from = { '10.0.0.5' },
  }
end)
