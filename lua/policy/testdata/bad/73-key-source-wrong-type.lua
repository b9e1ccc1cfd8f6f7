local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_http_listener {
    tls_private_key = 20260804,
  }
end)
