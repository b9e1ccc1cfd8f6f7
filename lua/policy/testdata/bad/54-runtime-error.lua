local kumo = require 'kumo'
local proxy = require 'proxy'

local function start(params)
  return params.listen .. ':1080'
end

kumo.on('proxy_init', function()
  local address = start({})
  print(address)
end)
