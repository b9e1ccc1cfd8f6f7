local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_http_listener {
    use_tls = false,
    tls_client_ca = '/etc/troupe/clients.pem',
  }
end)
