local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.configure_access_log { path = '-' }
  proxy.configure_access_log { path = '/var/log/troupe/access.log' }
end)
