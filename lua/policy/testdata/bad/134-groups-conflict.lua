local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.set_destination_groups {
    one = { '192.0.2.0/24', 'mx.example.com' },
    two = { '10.0.0.0/8', '192.0.2.0/24' },
  }
end)
