local kumo = require 'kumo'
local proxy = require 'proxy'

local params = {
  listen = '127.0.0.1:1080',
  timeuot = 30,
}

kumo.on('proxy_init', function()
  kumo.start_proxy_listener(params)
end)
