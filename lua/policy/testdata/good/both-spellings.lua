local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  kumo.start_proxy_listener { listen = '127.0.0.1:1080', hostname = 'h' }
  kumo.start_proxy_http_listener { listen = '127.0.0.1:8000', hostname = 'h', trusted_hosts = {} }
  proxy.start_proxy_listener { listen = '127.0.0.1:1081', hostname = 'h', timeout = '5s' }
  proxy.start_http_listener { listen = '127.0.0.1:8001', hostname = 'h', trusted_hosts = {} }
end)
