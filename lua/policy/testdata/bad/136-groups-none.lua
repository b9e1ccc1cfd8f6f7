local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.set_destination_groups {}
end)
