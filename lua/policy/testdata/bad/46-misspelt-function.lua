local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  kumo.start_proxy_listner { listen = '127.0.0.1:1080' }
end)
