local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_http_listener {
    proxy_protocol_from = { '10.0.0.5' },
  }
end)
