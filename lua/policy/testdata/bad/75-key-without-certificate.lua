local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_http_listener {
    use_tls = true,
    tls_private_key = { key_data = 'hunter2' },
  }
end)
