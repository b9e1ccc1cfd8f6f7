local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    use_tls = true,
    tls_certificate = '',
    tls_private_key = { key_data = { 1, 256 } },
    tls_client_ca = { key_data = { 1, x = 2 } },
  }
end)
