local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', hostname = 'h' }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', hostname = 'h' }
end)
