local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:2525' }
  proxy.start_forward_listener { listen = '127.0.0.1:2525', allow_clients = {} }
end)
