local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_http_listener {
    listen = 'unix:/run/troupe/admin.sock',
    proxy_protocol = true,
    proxy_protocol_from = { '10.0.0.5', 'lb.example.com' },
  }
end)
