local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  kumo.on('other', function() end)
end)
