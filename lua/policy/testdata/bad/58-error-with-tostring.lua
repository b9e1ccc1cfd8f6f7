local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  error(setmetatable({}, { __tostring = function() return 'seven racks' end }))
end)
