local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:1080', hostname = 'h' }
  proxy.start_http_listener { hostname = 'h' }
end)
