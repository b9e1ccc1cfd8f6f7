local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_forward_listener {
    listen = '127.0.0.1:2525', allow_clients = { '10.0.0.0/8' },
    require_auth = true,
    use_tls = true,
    resolve_names = false,
  }
end)
