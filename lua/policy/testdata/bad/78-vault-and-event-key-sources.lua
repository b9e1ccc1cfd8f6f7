local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    use_tls = true,
    tls_certificate = { vault_mount = 'secret', vault_path = 'troupe', vault_token = 'hunter2' },
    tls_private_key = { event_name = 'get_key', event_args = { 'hunter2' } },
    tls_client_ca = { vault_mount = 'secret', vault_path = 'ca' },
  }
end)
