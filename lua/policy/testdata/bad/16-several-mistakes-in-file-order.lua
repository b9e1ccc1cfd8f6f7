local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    zebra = 1,
    timeout = '5 parsecs',
    trusted_hosts = {},
    require_auth = 'no',
    ['use_tls'] = 'yes',
    hostname = '',
  }
end)
