local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  local x = = 1
end)
