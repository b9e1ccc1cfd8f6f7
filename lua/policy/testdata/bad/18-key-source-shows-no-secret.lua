local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    tls_private_key = { key_data = 42, note = 'hunter2' },
    tls_certificate = { vault_mount = 'secret', vault_token = 'hunter2' },
  }
end)
