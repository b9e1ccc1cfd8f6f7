local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.set_destination_groups { one = { '192.0.2.0/24' } }
  proxy.set_destination_groups { two = { '10.0.0.0/8' } }
end)
