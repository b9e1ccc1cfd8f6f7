local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    source = {
      { network = '2001:db8:1::/64', free_bind = true },
      { freebind = true },
      { network = '2001:db8::x', freebind = 'yes' },
    },
  }
end)
