local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  error('no racks are configured', 0)
end)
